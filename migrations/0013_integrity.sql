-- What shows that nothing was altered, and what the application's role can't do.

-- A version starts once. The time is the database's: nobody can say when it was.
CREATE TABLE execution_starts (
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    execution_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, version),
    FOREIGN KEY (plan_id, version) REFERENCES plan_versions (plan_id, version)
);
GRANT SELECT, INSERT (plan_id, version, execution_id) ON execution_starts TO carapulse_app;

-- Times, transaction ids and the order of insert-only rows are not the application's to say.
REVOKE INSERT ON plan_versions, approvals, audit, audit_chain, audit_checkpoints, tool_definitions
    FROM carapulse_app;
GRANT INSERT (plan_id, version, digest, body) ON plan_versions TO carapulse_app;
GRANT INSERT (plan_id, version, person, verdict, nonce, body, at) ON approvals TO carapulse_app;
GRANT INSERT (tenant, actor, action, subject, decision, body) ON audit TO carapulse_app;
GRANT INSERT (seq, audit_id, row_hash, link) ON audit_chain TO carapulse_app;
GRANT INSERT (seq, link, key_id, signature) ON audit_checkpoints TO carapulse_app;
GRANT INSERT (digest, body) ON tool_definitions TO carapulse_app;

-- A temporary table of the same name would stand before ours for all who use its connection.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;

-- What happened is not taken back.
REVOKE DELETE ON plans, version_states, executions, steps, tool_calls, decisions, evidence,
    log_lines FROM carapulse_app;

-- Whoever acts is a person or a named service, in the column as in the event.
ALTER TABLE audit ADD CONSTRAINT audit_actor CHECK (
    actor <> '' AND starts_with(body, '{"actor":{"kind":"' || CASE
        WHEN actor ~ '^(service|token|cli):.' THEN 'service' ELSE 'person'
    END || '","id":"' || actor || '",')
);

-- Where the chain begins after older rows were purged: signed by the gate, so that a cut is no purge.
CREATE TABLE audit_anchors (
    seq bigint PRIMARY KEY,
    link bytea NOT NULL,
    key_id text NOT NULL,
    signature text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT, INSERT (seq, link, key_id, signature) ON audit_anchors TO carapulse_app;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carapulse_purge') THEN
        CREATE ROLE carapulse_purge NOLOGIN;
    END IF;
END $$;
GRANT USAGE ON SCHEMA public TO carapulse_purge;
GRANT SELECT ON audit_anchors, schema_migrations TO carapulse_purge;

-- Removes rows up to an anchor, the oldest first; how many. The purge role can do this alone.
CREATE FUNCTION purge_audit(up_to bigint, at_most integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
DECLARE
    gone bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM audit_anchors WHERE seq = up_to) THEN
        RAISE EXCEPTION 'there is no anchor at %', up_to;
    END IF;
    WITH old AS (
        DELETE FROM audit_chain WHERE seq IN (
            SELECT seq FROM audit_chain WHERE seq <= up_to ORDER BY seq LIMIT at_most
        ) RETURNING audit_id
    ), rows AS (
        DELETE FROM audit USING old WHERE audit.id = old.audit_id
    )
    SELECT count(*) INTO gone FROM old;
    IF gone < at_most THEN
        DELETE FROM audit_checkpoints WHERE seq <= up_to;
    END IF;
    RETURN gone;
END $$;
REVOKE ALL ON FUNCTION purge_audit FROM PUBLIC;
GRANT EXECUTE ON FUNCTION purge_audit TO carapulse_purge;
