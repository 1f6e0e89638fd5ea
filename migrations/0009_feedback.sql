-- How good answers and plans were, and when the bot was there to hear people.

CREATE TABLE ratings (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    subject text NOT NULL,
    person text NOT NULL,
    person_name text NOT NULL,
    verdict text NOT NULL,
    words text NOT NULL DEFAULT '',
    at timestamptz NOT NULL,
    UNIQUE (tenant, subject, person)
);
CREATE INDEX ratings_by_verdict ON ratings (tenant, verdict, at);

CREATE TABLE presence (
    tenant text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);

CREATE TABLE absences (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    since timestamptz NOT NULL,
    until timestamptz NOT NULL
);
CREATE INDEX absences_until ON absences (tenant, until);

-- App Home lists what a person asked for.
CREATE INDEX plan_versions_requester ON plan_versions
    (substring(body from '"requester":"([^"]*)"'), created_at DESC);

GRANT SELECT, INSERT, UPDATE, DELETE ON ratings, presence, absences TO carapulse_app;
