-- Cancelling stops what runs, a deadline ends what takes too long, questions are asked again, and
-- what a plan relied on is pinned again after its own steps.

ALTER TABLE executions
    ADD COLUMN started_by text NOT NULL DEFAULT '',
    ADD COLUMN stopped_by text NOT NULL DEFAULT '',
    ADD COLUMN deadline_at timestamptz,
    ADD COLUMN asked_at timestamptz,
    ADD COLUMN remind_at timestamptz,
    ADD COLUMN reminded integer NOT NULL DEFAULT 0,
    ADD COLUMN pins jsonb NOT NULL DEFAULT '{}';

-- What a call that runs takes up, for the limits of what runs at once.
ALTER TABLE tool_calls
    ADD COLUMN tool text NOT NULL DEFAULT '',
    ADD COLUMN environment text NOT NULL DEFAULT '',
    ADD COLUMN target text NOT NULL DEFAULT '';
CREATE INDEX tool_calls_live ON tool_calls (lease_until) WHERE ended_at IS NULL;
