-- Without Temporal: which plans and requests are being worked on, by whom, and when each is next.

CREATE TABLE flows (
    tenant text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('draft', 'execution')),
    subject text NOT NULL,
    version integer NOT NULL DEFAULT 0,
    epoch integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL DEFAULT now(),
    wakes bigint NOT NULL DEFAULT 0,
    holder text NOT NULL DEFAULT '',
    fence bigint NOT NULL DEFAULT 0,
    held_until timestamptz NOT NULL DEFAULT '-infinity',
    ended_at timestamptz,
    PRIMARY KEY (tenant, kind, subject, version, epoch)
);
CREATE INDEX flows_due ON flows (due_at) WHERE ended_at IS NULL;
CREATE INDEX flows_ended ON flows (ended_at) WHERE ended_at IS NOT NULL;
GRANT SELECT, INSERT, UPDATE, DELETE ON flows TO carapulse_app;
