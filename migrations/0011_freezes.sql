-- When nothing may start, which executions change what, and what was approved by break-glass.

CREATE TABLE freezes (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    environment text NOT NULL DEFAULT '',
    service text NOT NULL DEFAULT '',
    reason text NOT NULL,
    set_by text NOT NULL,
    set_by_name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz,
    lifted_at timestamptz,
    lifted_by text NOT NULL DEFAULT '',
    lifted_by_name text NOT NULL DEFAULT '',
    -- Whether what waits and what is shown knows that it has begun, and that it is over.
    begun boolean NOT NULL DEFAULT false,
    done boolean NOT NULL DEFAULT false
);
CREATE INDEX freezes_open ON freezes (tenant, starts_at) WHERE NOT done;

-- One writing execution per environment and service at a time; one that has ended holds nothing.
CREATE TABLE execution_locks (
    tenant text NOT NULL,
    key text NOT NULL,
    execution_id uuid NOT NULL REFERENCES executions (id),
    PRIMARY KEY (tenant, key)
);
INSERT INTO execution_locks (tenant, key, execution_id)
SELECT tenant, lock_key, id FROM executions
WHERE lock_key IS NOT NULL AND ended_at IS NULL AND started_at IS NOT NULL;
DROP INDEX executions_lock;
ALTER TABLE executions DROP COLUMN lock_key;

-- What was approved by break-glass, until the daily digest has told it.
CREATE TABLE break_glass (
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    tenant text NOT NULL,
    body text NOT NULL,
    at timestamptz NOT NULL,
    told_on date,
    PRIMARY KEY (plan_id, version),
    FOREIGN KEY (plan_id, version) REFERENCES plan_versions (plan_id, version)
);
CREATE INDEX break_glass_untold ON break_glass (tenant, at) WHERE told_on IS NULL;

CREATE TABLE break_glass_digests (
    tenant text NOT NULL,
    day date NOT NULL,
    PRIMARY KEY (tenant, day)
);

GRANT SELECT, INSERT, UPDATE ON freezes, break_glass TO carapulse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON execution_locks TO carapulse_app;
GRANT SELECT, INSERT ON break_glass_digests TO carapulse_app;
