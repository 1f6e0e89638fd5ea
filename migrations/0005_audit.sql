-- The audit's chain: each sealed row is linked to the one before it, and the end is signed.

CREATE INDEX audit_order ON audit (txid, id);

CREATE TABLE audit_chain (
    seq bigint PRIMARY KEY,
    audit_id bigint NOT NULL UNIQUE,
    row_hash bytea NOT NULL,
    link bytea NOT NULL
);

CREATE TABLE audit_checkpoints (
    seq bigint PRIMARY KEY,
    link bytea NOT NULL,
    key_id text NOT NULL,
    signature text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT ON audit_chain, audit_checkpoints TO carapulse_app;
