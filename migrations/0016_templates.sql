-- Workflows of the catalog that people write here: each change is a new version, and stays.

CREATE TABLE templates (
    tenant text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    body text NOT NULL,
    digest text NOT NULL,
    author text NOT NULL,
    author_name text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (tenant, name, version)
);

-- Which version is the current one, and whether it may be started; a removed one is neither.
CREATE TABLE template_states (
    tenant text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    enabled boolean NOT NULL,
    enabled_by text NOT NULL,
    enabled_by_name text NOT NULL,
    removed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, name),
    FOREIGN KEY (tenant, name, version) REFERENCES templates (tenant, name, version)
);

GRANT SELECT, INSERT ON templates TO carapulse_app;
GRANT SELECT, INSERT, UPDATE ON template_states TO carapulse_app;
