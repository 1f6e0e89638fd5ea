-- Complete outputs of calls and looks: what is in the artifact store, by immutable key.

CREATE TABLE artifacts (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    key text NOT NULL,
    name text NOT NULL,
    content_type text NOT NULL,
    execution_id uuid REFERENCES executions (id),
    step integer,
    phase text,
    attempt integer,
    draft_id uuid REFERENCES drafts (id),
    number integer,
    state text NOT NULL CHECK (state IN ('open', 'kept', 'stored', 'purged')),
    size bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    sha256 text NOT NULL DEFAULT '',
    unseen bigint NOT NULL DEFAULT 0 CHECK (unseen >= 0),
    partial boolean NOT NULL DEFAULT false,
    waits boolean NOT NULL DEFAULT false,
    worker text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    stored_at timestamptz,
    purged_at timestamptz,
    UNIQUE (tenant, key),
    CHECK ((execution_id IS NULL) <> (draft_id IS NULL))
);
CREATE INDEX artifacts_of_execution ON artifacts (execution_id, id) WHERE execution_id IS NOT NULL;
CREATE INDEX artifacts_of_draft ON artifacts (draft_id, number) WHERE draft_id IS NOT NULL;
CREATE INDEX artifacts_old ON artifacts (stored_at) WHERE state = 'stored';

-- What somebody keeps beyond its time: nothing of these executions is purged.
CREATE TABLE artifact_holds (
    tenant text NOT NULL,
    execution_id uuid NOT NULL REFERENCES executions (id),
    reason text NOT NULL,
    person text NOT NULL,
    person_name text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, execution_id)
);

-- The row tells for good that there was a file, and which; what it is called never changes.
GRANT SELECT, INSERT ON artifacts TO carapulse_app;
GRANT UPDATE (state, size, sha256, unseen, partial, waits, worker, stored_at, purged_at)
    ON artifacts TO carapulse_app;
GRANT SELECT, INSERT, DELETE ON artifact_holds TO carapulse_app;
