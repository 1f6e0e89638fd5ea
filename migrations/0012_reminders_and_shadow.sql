-- Who was reminded of a version that waits, and what a candidate of the policy would answer.

-- The row makes a reminder happen once, whichever replica asks what comes next.
CREATE TABLE reminders (
    plan_id uuid NOT NULL,
    version integer NOT NULL,
    tenant text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reminded', 'escalated')),
    number integer NOT NULL,
    told jsonb NOT NULL DEFAULT '[]',
    at timestamptz NOT NULL,
    PRIMARY KEY (plan_id, version, kind, number),
    FOREIGN KEY (plan_id, version) REFERENCES plan_versions (plan_id, version)
);

-- One row per candidate: how often it was asked, and why it can't be, where that is so.
CREATE TABLE shadow_candidates (
    tenant text NOT NULL,
    candidate text NOT NULL,
    asked bigint NOT NULL DEFAULT 0,
    different bigint NOT NULL DEFAULT 0,
    dropped bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    problem text NOT NULL DEFAULT '',
    since timestamptz NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, candidate)
);

-- Kinds of questions that it answers differently; without names, ids and anybody's words.
CREATE TABLE shadow_differences (
    tenant text NOT NULL,
    candidate text NOT NULL,
    key text NOT NULL,
    action text NOT NULL,
    question jsonb NOT NULL,
    live jsonb NOT NULL,
    shadow jsonb NOT NULL,
    count bigint NOT NULL,
    since timestamptz NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, candidate, key),
    FOREIGN KEY (tenant, candidate) REFERENCES shadow_candidates (tenant, candidate)
        ON DELETE CASCADE
);
CREATE INDEX shadow_differences_at ON shadow_differences (tenant, at);

GRANT SELECT, INSERT ON reminders TO carapulse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON shadow_candidates, shadow_differences TO carapulse_app;
