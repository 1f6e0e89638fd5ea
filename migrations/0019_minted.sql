-- What was given to one call and has to be taken back: leases of Vault, sessions of Boundary.
-- A row is there before the call begins and goes when it was taken back; the sweeper takes the rest.

CREATE TABLE minted (
    tenant text NOT NULL,
    giver text NOT NULL CHECK (giver IN ('vault', 'boundary')),
    id text NOT NULL,
    connection text NOT NULL,
    holder text NOT NULL,
    until timestamptz NOT NULL,
    expires timestamptz NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, giver, id)
);
CREATE INDEX minted_until ON minted (tenant, until);

GRANT SELECT, INSERT, DELETE ON minted TO carapulse_app;
