-- What language models cost: a row per day for each person, and one without a person for all.

CREATE TABLE model_spending (
    tenant text NOT NULL,
    day date NOT NULL,
    person text NOT NULL,
    questions bigint NOT NULL DEFAULT 0,
    tokens bigint NOT NULL DEFAULT 0,
    microdollars bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, day, person)
);

GRANT SELECT, INSERT, UPDATE ON model_spending TO carapulse_app;
