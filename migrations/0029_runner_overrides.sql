-- A runner verifies, too, that a step was left out by a choice that the gate signed.
CREATE OR REPLACE VIEW runner.decisions WITH (security_barrier) AS
    SELECT id, execution_id, choice, taken_at, signed FROM public.decisions
    WHERE runner.sees(execution_id);
