-- Who people are at the identity provider, which tokens count no more, and one-time sign-ins.

CREATE TABLE identity_links (
    tenant text NOT NULL,
    issuer text NOT NULL,
    subject text NOT NULL,
    person text NOT NULL,
    email text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, issuer, subject),
    UNIQUE (tenant, issuer, person)
);

-- A token by its id, or all tokens of a subject that were issued before a moment.
CREATE TABLE revocations (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    issuer text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('token', 'subject')),
    value text NOT NULL,
    issued_before timestamptz NOT NULL,
    reason text NOT NULL DEFAULT '',
    by_name text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX revocations_of ON revocations (tenant, issuer, kind, value);

-- `ticket` and `state` are hashes: neither the link nor the sign-in can be made from the row.
CREATE TABLE sign_ins (
    ticket text PRIMARY KEY,
    tenant text NOT NULL,
    person text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('approve', 'link')),
    plan_id uuid,
    version integer NOT NULL DEFAULT 0,
    digest text NOT NULL DEFAULT '',
    asked text NOT NULL DEFAULT '{}',
    made_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    state text UNIQUE,
    started_at timestamptz,
    ended_at timestamptz
);
CREATE INDEX sign_ins_expiring ON sign_ins (expires_at);

GRANT SELECT, INSERT, DELETE ON identity_links TO carapulse_app;
GRANT SELECT, INSERT ON revocations TO carapulse_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_ins TO carapulse_app;
