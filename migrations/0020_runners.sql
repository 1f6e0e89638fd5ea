-- A runner works next to one cluster. Its login reaches no table: only views that show the plans
-- with a step in its own place, and take what a worker of that place has to write.

CREATE TABLE runners (
    login text PRIMARY KEY,
    tenant text NOT NULL,
    environment text NOT NULL CHECK (environment <> ''),
    cluster text NOT NULL CHECK (cluster <> ''),
    made_by text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (tenant, environment, cluster)
);
CREATE TABLE runner_beats (
    login text NOT NULL DEFAULT session_user REFERENCES runners (login) ON DELETE CASCADE,
    worker text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (login, worker)
);
GRANT SELECT ON runners, runner_beats TO carapulse_app;

-- Where each step acts, for what a runner may see; what it may run is what was signed.
ALTER TABLE steps
    ADD COLUMN environment text NOT NULL DEFAULT '',
    ADD COLUMN cluster text NOT NULL DEFAULT '';

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'carapulse_runner') THEN
        CREATE ROLE carapulse_runner NOLOGIN;
    END IF;
END $$;

CREATE SCHEMA runner;
GRANT USAGE ON SCHEMA runner TO carapulse_runner;

-- Whether this step is in the place of whoever is logged in.
CREATE FUNCTION runner.works_on(of_execution uuid, of_step integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT FROM public.steps s
        JOIN public.executions e ON e.id = s.execution_id
        JOIN public.runners r ON r.login = session_user AND r.tenant = e.tenant
            AND (r.environment, r.cluster) = (s.environment, s.cluster)
        WHERE s.execution_id = of_execution AND s.number = of_step
    )
$$;

-- Whether any step of this execution is.
CREATE FUNCTION runner.sees(of_execution uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT FROM public.steps s
        JOIN public.executions e ON e.id = s.execution_id
        JOIN public.runners r ON r.login = session_user AND r.tenant = e.tenant
            AND (r.environment, r.cluster) = (s.environment, s.cluster)
        WHERE s.execution_id = of_execution
    )
$$;

CREATE FUNCTION runner.sees_version(of_plan uuid, of_version integer) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT FROM public.executions e
        WHERE e.plan_id = of_plan AND e.version = of_version AND runner.sees(e.id)
    )
$$;

-- A plan or an execution, as cards and the audit name them.
CREATE FUNCTION runner.sees_subject(subject text) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public AS $$
BEGIN
    RETURN subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' AND EXISTS (
        SELECT FROM public.executions e
        WHERE (e.id = subject::uuid OR e.plan_id = subject::uuid) AND runner.sees(e.id)
    );
END $$;

-- Whether this thread is that of a plan which the runner sees.
CREATE FUNCTION runner.sees_thread(of_conversation uuid) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public AS $$
    SELECT EXISTS (
        SELECT FROM public.runners r
        JOIN public.steps s ON (s.environment, s.cluster) = (r.environment, r.cluster)
        JOIN public.executions e ON e.id = s.execution_id AND e.tenant = r.tenant
        JOIN public.plan_versions v ON (v.plan_id, v.version) = (e.plan_id, e.version)
        WHERE r.login = session_user
        AND v.body::json ->> 'conversation_id' = of_conversation::text
    )
$$;

CREATE VIEW runner.runners WITH (security_barrier) AS
    SELECT login, tenant, environment, cluster FROM public.runners WHERE login = session_user;
CREATE VIEW runner.runner_beats WITH (security_barrier) AS
    SELECT login, worker, at FROM public.runner_beats WHERE login = session_user
    WITH CHECK OPTION;
CREATE VIEW runner.schema_migrations AS SELECT name FROM public.schema_migrations;
CREATE VIEW runner.tool_definitions AS SELECT digest, body FROM public.tool_definitions;
CREATE VIEW runner.plans WITH (security_barrier) AS
    SELECT id, tenant, reference, current FROM public.plans WHERE runner.sees_subject(id::text);
CREATE VIEW runner.plan_versions WITH (security_barrier) AS
    SELECT plan_id, version, digest, body FROM public.plan_versions
    WHERE runner.sees_version(plan_id, version);
CREATE VIEW runner.version_states WITH (security_barrier) AS
    SELECT plan_id, version, state, reason, epoch FROM public.version_states
    WHERE runner.sees_version(plan_id, version);
CREATE VIEW runner.approvals WITH (security_barrier) AS
    SELECT id, plan_id, version, body FROM public.approvals
    WHERE runner.sees_version(plan_id, version);
CREATE VIEW runner.execution_starts WITH (security_barrier) AS
    SELECT plan_id, version, execution_id, at FROM public.execution_starts
    WHERE runner.sees_version(plan_id, version);
CREATE VIEW runner.decisions WITH (security_barrier) AS
    SELECT id, execution_id, choice, taken_at FROM public.decisions
    WHERE runner.sees(execution_id);
CREATE VIEW runner.conversations WITH (security_barrier) AS
    SELECT id, tenant, channel, thread, '{}'::jsonb AS context, NULL::uuid AS plan_id,
        NULL::uuid AS problem_id, NULL::uuid AS session_id, created_at
    FROM public.conversations WHERE runner.sees_thread(id);
CREATE VIEW runner.freezes WITH (security_barrier) AS
    SELECT * FROM public.freezes WHERE tenant IN (SELECT tenant FROM runner.runners);
-- Findings that the thread was told once.
CREATE VIEW runner.inbox WITH (security_barrier) AS
    SELECT * FROM public.inbox WHERE source = 'integrity.alarm'
    AND tenant IN (SELECT tenant FROM runner.runners)
    WITH CHECK OPTION;
CREATE VIEW runner.executions WITH (security_barrier) AS
    SELECT * FROM public.executions WHERE runner.sees(id);
CREATE VIEW runner.steps WITH (security_barrier) AS
    SELECT * FROM public.steps WHERE runner.sees(execution_id);
CREATE VIEW runner.tool_calls WITH (security_barrier) AS
    SELECT * FROM public.tool_calls WHERE runner.works_on(execution_id, step)
    WITH CHECK OPTION;
CREATE VIEW runner.log_lines WITH (security_barrier) AS
    SELECT * FROM public.log_lines WHERE runner.works_on(execution_id, step)
    WITH CHECK OPTION;
CREATE VIEW runner.artifacts WITH (security_barrier) AS
    SELECT * FROM public.artifacts WHERE runner.works_on(execution_id, step)
    WITH CHECK OPTION;
-- What was given to its own calls and has to be taken back.
ALTER TABLE minted ADD COLUMN login text NOT NULL DEFAULT session_user;
CREATE VIEW runner.minted WITH (security_barrier) AS
    SELECT * FROM public.minted WHERE login = session_user
    AND tenant IN (SELECT tenant FROM runner.runners)
    WITH CHECK OPTION;
-- Cards of what it sees are drawn again; what is new is said in the thread of its plan.
CREATE VIEW runner.posts WITH (security_barrier) AS
    SELECT id, tenant, kind, subject, channel, thread, recipient, body, card, urgent, wanted
    FROM public.posts
    WHERE runner.sees_subject(subject) AND kind IN ('plan', 'log', 'outcome') AND recipient = ''
    AND (card OR EXISTS (
        SELECT FROM runner.conversations c
        WHERE (c.channel, c.thread) = (posts.channel, posts.thread)
    ))
    WITH CHECK OPTION;
CREATE VIEW runner.audit WITH (security_barrier) AS
    SELECT id, tenant, at, actor, action, subject, decision, body FROM public.audit
    WHERE tenant IN (SELECT tenant FROM runner.runners) AND runner.sees_subject(subject);

-- What a call's start and end change of an execution: no decision, no start and no end of it.
CREATE FUNCTION runner.save_execution() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF NEW.state <> OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('running', 'waiting'), ('waiting', 'running'), ('rolling_back', 'rollback_failed')
    ) OR (NEW.id, NEW.plan_id, NEW.version, NEW.epoch, NEW.stopped_by, NEW.started_by)
        IS DISTINCT FROM (OLD.id, OLD.plan_id, OLD.version, OLD.epoch, OLD.stopped_by, OLD.started_by)
    OR (NEW.started_at, NEW.ended_at, NEW.deadline_at)
        IS DISTINCT FROM (OLD.started_at, OLD.ended_at, OLD.deadline_at)
    THEN
        RAISE EXCEPTION 'that is not a runner''s to change' USING ERRCODE = '42501';
    END IF;
    UPDATE public.executions SET state = NEW.state, reason = NEW.reason, pins = NEW.pins,
        question_step = NEW.question_step, choices = NEW.choices, asked_at = NEW.asked_at,
        remind_at = NEW.remind_at, reminded = NEW.reminded WHERE id = OLD.id;
    RETURN NEW;
END $$;
CREATE TRIGGER saved INSTEAD OF UPDATE ON runner.executions
    FOR EACH ROW EXECUTE FUNCTION runner.save_execution();

CREATE FUNCTION runner.save_step() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF NOT runner.works_on(OLD.execution_id, OLD.number)
    OR (NEW.execution_id, NEW.number, NEW.attempt)
        IS DISTINCT FROM (OLD.execution_id, OLD.number, OLD.attempt)
    THEN
        RAISE EXCEPTION 'that is not this runner''s step' USING ERRCODE = '42501';
    END IF;
    UPDATE public.steps SET state = NEW.state, message = NEW.message, outputs = NEW.outputs,
        rollback_message = NEW.rollback_message, ended_at = NEW.ended_at
    WHERE execution_id = OLD.execution_id AND number = OLD.number;
    RETURN NEW;
END $$;
CREATE TRIGGER saved INSTEAD OF UPDATE ON runner.steps
    FOR EACH ROW EXECUTE FUNCTION runner.save_step();

-- It tells of steps, of failed rollbacks and of what was altered; never of a decision.
CREATE FUNCTION runner.tell_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public AS $$
BEGIN
    IF NEW.actor <> 'service:worker' OR NOT runner.sees_subject(NEW.subject)
    OR NEW.tenant NOT IN (SELECT tenant FROM runner.runners)
    OR NOT (starts_with(NEW.action, 'step.')
        OR NEW.action IN ('integrity.alarm', 'execution.rollback_failed'))
    THEN
        RAISE EXCEPTION 'that is not a runner''s to tell' USING ERRCODE = '42501';
    END IF;
    INSERT INTO public.audit (tenant, actor, action, subject, decision, body)
    VALUES (NEW.tenant, NEW.actor, NEW.action, NEW.subject, coalesce(NEW.decision, ''), NEW.body);
    RETURN NEW;
END $$;
CREATE TRIGGER told INSTEAD OF INSERT ON runner.audit
    FOR EACH ROW EXECUTE FUNCTION runner.tell_audit();

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA runner FROM PUBLIC;
GRANT EXECUTE ON FUNCTION runner.works_on, runner.sees, runner.sees_version, runner.sees_subject,
    runner.sees_thread TO carapulse_runner;
GRANT SELECT ON ALL TABLES IN SCHEMA runner TO carapulse_runner;
GRANT INSERT (worker, at), UPDATE (at), DELETE ON runner.runner_beats TO carapulse_runner;
GRANT INSERT (tenant, source, key, thread, body, handled_at, outcome) ON runner.inbox
    TO carapulse_runner;
GRANT UPDATE ON runner.executions, runner.steps TO carapulse_runner;
GRANT INSERT, UPDATE (lease_until, ended_at, result) ON runner.tool_calls TO carapulse_runner;
GRANT INSERT, UPDATE (state, size, sha256, unseen, partial, waits, worker, stored_at, purged_at)
    ON runner.artifacts TO carapulse_runner;
GRANT INSERT (tenant, giver, id, connection, holder, until, expires), DELETE ON runner.minted
    TO carapulse_runner;
GRANT INSERT (execution_id, step, at, line) ON runner.log_lines TO carapulse_runner;
GRANT INSERT (id, tenant, kind, subject, channel, thread, recipient, body, card, urgent),
    UPDATE (wanted, urgent) ON runner.posts TO carapulse_runner;
GRANT INSERT (tenant, actor, action, subject, decision, body) ON runner.audit TO carapulse_runner;
