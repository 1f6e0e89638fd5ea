-- A runner verifies, too, that a step was left out by a choice that the gate signed; and what the
-- store of outputs gets late from it comes into the thread.

CREATE OR REPLACE VIEW runner.decisions WITH (security_barrier) AS
    SELECT id, execution_id, choice, taken_at, signed FROM public.decisions
    WHERE runner.sees(execution_id);

CREATE OR REPLACE VIEW runner.posts WITH (security_barrier) AS
    SELECT id, tenant, kind, subject, channel, thread, recipient, body, card, urgent, wanted
    FROM public.posts
    WHERE runner.sees_subject(subject) AND kind IN ('plan', 'log', 'outcome', 'file')
    AND recipient = '' AND (card OR EXISTS (
        SELECT FROM runner.conversations c
        WHERE (c.channel, c.thread) = (posts.channel, posts.thread)
    ))
    WITH CHECK OPTION;
