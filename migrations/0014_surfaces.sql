-- Plans as issues of Linear with what is still to be said there, and what PagerDuty was told.

CREATE TABLE issues (
    plan_id uuid PRIMARY KEY REFERENCES plans (id),
    tenant text NOT NULL,
    -- Chosen here before the call, so that a call whose answer was lost is found again.
    issue_id uuid NOT NULL UNIQUE,
    identifier text NOT NULL DEFAULT '',
    -- The change of the plan's card up to which everything is noted, and what was noted.
    seen integer NOT NULL DEFAULT 0,
    told text NOT NULL DEFAULT '{}',
    -- When the issue showed which version, by Linear's clock.
    shown jsonb NOT NULL DEFAULT '{}',
    closed boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX issues_open ON issues (tenant) WHERE NOT closed;

-- What is to be done there, in this order for each issue.
CREATE TABLE issue_notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    plan_id uuid NOT NULL REFERENCES issues (plan_id),
    kind text NOT NULL CHECK (kind IN ('open', 'rewrite', 'comment', 'move')),
    body text NOT NULL,
    remote_id uuid NOT NULL DEFAULT gen_random_uuid(),
    attempts integer NOT NULL DEFAULT 0,
    refused text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    done_at timestamptz
);
CREATE INDEX issue_notes_left ON issue_notes (tenant, plan_id, id) WHERE done_at IS NULL;

-- Moves of an issue that were answered, each once.
CREATE TABLE issue_moves (
    tenant text NOT NULL,
    key text NOT NULL,
    plan_id uuid NOT NULL REFERENCES issues (plan_id),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);

-- What people are paged for. `wanted` and `sent` count how far it has gone: 1 triggered,
-- 2 acknowledged, 3 resolved.
CREATE TABLE pages (
    tenant text NOT NULL,
    key text NOT NULL,
    plan_id uuid NOT NULL REFERENCES plans (id),
    version integer NOT NULL,
    body text NOT NULL,
    wanted integer NOT NULL DEFAULT 1 CHECK (wanted BETWEEN 1 AND 3),
    sent integer NOT NULL DEFAULT 0 CHECK (sent BETWEEN 0 AND 3),
    refused text NOT NULL DEFAULT '',
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, key)
);
CREATE INDEX pages_open ON pages (tenant) WHERE sent < 3;

GRANT SELECT, INSERT, UPDATE ON issues, issue_notes, pages TO carapulse_app;
GRANT SELECT, INSERT ON issue_moves TO carapulse_app;
