-- What Carapulse knows: plans and their versions, decisions, executions, what was said and shown.
-- Immutable rows (plan_versions, approvals, audit) can't be changed by the application's role.

CREATE TABLE inbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    thread text NOT NULL,
    body bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    outcome text,
    UNIQUE (tenant, source, key)
);
CREATE INDEX inbox_waiting ON inbox (thread, id) WHERE handled_at IS NULL;

CREATE TABLE conversations (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    channel text NOT NULL,
    thread text NOT NULL,
    context jsonb NOT NULL,
    plan_id uuid,
    problem_id uuid,
    created_at timestamptz NOT NULL,
    UNIQUE (tenant, channel, thread)
);

CREATE TABLE turns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    person text NOT NULL,
    person_name text NOT NULL,
    body text NOT NULL,
    ts text NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (conversation_id, ts)
);

CREATE TABLE drafts (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    conversation_id uuid NOT NULL REFERENCES conversations (id),
    state text NOT NULL,
    body text NOT NULL,
    outcome text,
    epoch integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX drafts_open ON drafts (created_at) WHERE state = 'open';

CREATE TABLE evidence (
    id uuid PRIMARY KEY,
    draft_id uuid NOT NULL REFERENCES drafts (id),
    number integer NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL,
    UNIQUE (draft_id, number)
);

CREATE SEQUENCE plan_reference START 1001;
CREATE SEQUENCE execution_reference START 301;
CREATE SEQUENCE problem_reference START 101;

CREATE TABLE plans (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    reference text NOT NULL UNIQUE,
    current integer NOT NULL
);

CREATE TABLE plan_versions (
    plan_id uuid NOT NULL REFERENCES plans (id),
    version integer NOT NULL,
    digest text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, version)
);

CREATE TABLE version_states (
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    epoch integer NOT NULL DEFAULT 0,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, version),
    FOREIGN KEY (plan_id, version) REFERENCES plan_versions (plan_id, version)
);
CREATE INDEX version_states_open ON version_states (changed_at)
    WHERE state IN ('waiting', 'approved', 'executing');

CREATE TABLE approvals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    person text NOT NULL,
    verdict text NOT NULL,
    nonce text NOT NULL UNIQUE,
    body text NOT NULL,
    at timestamptz NOT NULL,
    FOREIGN KEY (plan_id, version) REFERENCES plan_versions (plan_id, version)
);
CREATE INDEX approvals_of ON approvals (plan_id, version, id);

CREATE TABLE tool_definitions (
    digest text PRIMARY KEY,
    body text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE executions (
    id uuid PRIMARY KEY,
    reference text NOT NULL UNIQUE,
    tenant text NOT NULL,
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    question_step integer,
    countdown_until timestamptz,
    choices text[] NOT NULL DEFAULT '{}',
    lock_key text,
    epoch integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    UNIQUE (plan_id, version),
    FOREIGN KEY (plan_id, version) REFERENCES plan_versions (plan_id, version)
);
-- One writing execution per environment and service at a time.
CREATE UNIQUE INDEX executions_lock ON executions (tenant, lock_key)
    WHERE lock_key IS NOT NULL AND ended_at IS NULL AND started_at IS NOT NULL;
CREATE INDEX executions_live ON executions (created_at) WHERE ended_at IS NULL;

CREATE TABLE steps (
    execution_id uuid NOT NULL REFERENCES executions (id),
    number integer NOT NULL,
    kind text NOT NULL,
    title text NOT NULL,
    effect text NOT NULL,
    state text NOT NULL,
    attempt integer NOT NULL DEFAULT 0,
    message text NOT NULL DEFAULT '',
    outputs jsonb NOT NULL DEFAULT '{}',
    rollback_message text NOT NULL DEFAULT '',
    has_rollback boolean NOT NULL DEFAULT false,
    started_at timestamptz,
    ended_at timestamptz,
    PRIMARY KEY (execution_id, number)
);

CREATE TABLE tool_calls (
    execution_id uuid NOT NULL REFERENCES executions (id),
    step integer NOT NULL,
    phase text NOT NULL,
    attempt integer NOT NULL,
    worker text NOT NULL,
    lease_until timestamptz NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz,
    result text,
    PRIMARY KEY (execution_id, step, phase, attempt)
);

CREATE TABLE decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id uuid NOT NULL REFERENCES executions (id),
    choice text NOT NULL,
    step integer,
    person text NOT NULL,
    person_name text NOT NULL,
    at timestamptz NOT NULL,
    taken_at timestamptz
);
CREATE INDEX decisions_open ON decisions (execution_id, id) WHERE taken_at IS NULL;

CREATE TABLE log_lines (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id uuid NOT NULL,
    step integer NOT NULL,
    at timestamptz NOT NULL,
    line text NOT NULL
);
CREATE INDEX log_lines_of ON log_lines (execution_id, id);

CREATE TABLE problems (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    reference text NOT NULL UNIQUE,
    key text NOT NULL,
    status text NOT NULL,
    body text NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX problems_key ON problems (tenant, key, started_at DESC);

CREATE TABLE posts (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    kind text NOT NULL,
    subject text NOT NULL,
    channel text NOT NULL,
    thread text NOT NULL,
    recipient text NOT NULL DEFAULT '',
    body jsonb NOT NULL DEFAULT '{}',
    card boolean NOT NULL,
    wanted bigint NOT NULL DEFAULT 1,
    shown bigint NOT NULL DEFAULT 0,
    ts text NOT NULL DEFAULT '',
    shown_version integer NOT NULL DEFAULT 0,
    shown_at text NOT NULL DEFAULT '',
    shown_clock timestamptz,
    urgent boolean NOT NULL DEFAULT false,
    attempts integer NOT NULL DEFAULT 0,
    unsure boolean NOT NULL DEFAULT false,
    epoch bigint NOT NULL DEFAULT 0,
    error text NOT NULL DEFAULT '',
    not_before timestamptz NOT NULL DEFAULT now(),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX posts_card ON posts (tenant, kind, subject) WHERE card;
CREATE INDEX posts_due ON posts (urgent DESC, created_at) WHERE wanted > shown;
CREATE INDEX posts_subject ON posts (subject);
CREATE INDEX posts_at ON posts (channel, ts) WHERE ts <> '';

CREATE FUNCTION notify_posts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('carapulse_posts', '');
    RETURN NULL;
END $$;
CREATE TRIGGER posts_inserted AFTER INSERT ON posts
    FOR EACH STATEMENT EXECUTE FUNCTION notify_posts();
CREATE TRIGGER posts_touched AFTER UPDATE OF wanted ON posts
    FOR EACH STATEMENT EXECUTE FUNCTION notify_posts();

CREATE TABLE leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    epoch bigint NOT NULL,
    until timestamptz NOT NULL
);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    txid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    decision text NOT NULL DEFAULT '',
    body text NOT NULL
);
CREATE INDEX audit_subject ON audit (subject, id);

CREATE TABLE service_tokens (
    digest text PRIMARY KEY,
    name text NOT NULL,
    scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz
);
