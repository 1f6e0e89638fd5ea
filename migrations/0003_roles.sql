-- What the application's role may do. Plan versions, approvals and audit are insert-only for it.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carapulse_app') THEN
        CREATE ROLE carapulse_app NOLOGIN;
    END IF;
END $$;

GRANT USAGE ON SCHEMA public TO carapulse_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO carapulse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON
    inbox, conversations, turns, drafts, evidence, plans, version_states, executions, steps,
    tool_calls, decisions, log_lines, problems, posts, leases, service_tokens,
    pgqueuer, pgqueuer_log, pgqueuer_schedules, pgqueuer_statistics
    TO carapulse_app;
GRANT SELECT, INSERT ON plan_versions, approvals, audit, tool_definitions TO carapulse_app;
GRANT SELECT ON schema_migrations TO carapulse_app;
