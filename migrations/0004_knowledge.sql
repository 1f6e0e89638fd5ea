-- What a team writes down: runbooks and playbooks, remembered facts, and the sessions they belong to.

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    visibility text NOT NULL CHECK (visibility IN ('private', 'members', 'everyone')),
    state text NOT NULL CHECK (state IN ('open', 'closed')),
    members text[] NOT NULL DEFAULT '{}',
    groups text[] NOT NULL DEFAULT '{}',
    owner text NOT NULL,
    owner_name text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    closed_at timestamptz
);
-- One open session of a name per owner: a name that others use in private is nobody's business.
CREATE UNIQUE INDEX sessions_name ON sessions (tenant, owner, lower(name)) WHERE state = 'open';

-- What is begun in this channel belongs to this session.
CREATE TABLE session_channels (
    tenant text NOT NULL,
    channel text NOT NULL,
    session_id uuid NOT NULL REFERENCES sessions (id),
    PRIMARY KEY (tenant, channel)
);
ALTER TABLE conversations ADD COLUMN session_id uuid;

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('runbook', 'playbook')),
    name text NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    services text[] NOT NULL DEFAULT '{}',
    environments text[] NOT NULL DEFAULT '{}',
    language text NOT NULL,
    source text NOT NULL,
    reference text NOT NULL DEFAULT '',
    author text NOT NULL,
    author_name text NOT NULL,
    authors text[] NOT NULL DEFAULT '{}',
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    search tsvector NOT NULL,
    UNIQUE (tenant, kind, name)
);
CREATE INDEX documents_search ON documents USING gin (search);
CREATE UNIQUE INDEX documents_reference ON documents (tenant, kind, source, reference)
    WHERE source <> 'api';

CREATE TABLE facts (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    text text NOT NULL,
    service text NOT NULL DEFAULT '',
    environment text NOT NULL DEFAULT '',
    session_id uuid REFERENCES sessions (id),
    author text NOT NULL,
    author_name text NOT NULL,
    revision integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    search tsvector NOT NULL
);
CREATE INDEX facts_search ON facts USING gin (search);
CREATE INDEX facts_session ON facts (session_id) WHERE session_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON sessions, session_channels, documents, facts
    TO carapulse_app;
