-- The inbox is its own queue. Whoever stored a payload carries it out at once; a hold that ends
-- without a result (its process died) lets any other replica take the thread over.

ALTER TABLE inbox
    ADD COLUMN holder text NOT NULL DEFAULT '',
    ADD COLUMN held_until timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN attempts integer NOT NULL DEFAULT 0;

-- Marks what is done and takes what comes next in the thread, oldest first; nothing while somebody
-- else holds it. Both may be lost when the database crashes: a payload is carried out at least once.
CREATE FUNCTION inbox_next(
    of_tenant text, of_source text, of_thread text, by_holder text, seconds float8,
    done bigint[], result text, at_most integer, bytes_at_most bigint
) RETURNS TABLE (id bigint, body bytea, attempts integer) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', true);
    PERFORM pg_advisory_xact_lock(hashtextextended(of_tenant || ' ' || of_thread, 11));
    UPDATE inbox SET handled_at = clock_timestamp(), outcome = result WHERE inbox.id = ANY (done);
    IF EXISTS (
        SELECT FROM inbox
        WHERE inbox.tenant = of_tenant AND inbox.thread = of_thread AND inbox.handled_at IS NULL
            AND inbox.holder <> by_holder AND inbox.held_until > clock_timestamp()
    ) THEN
        RETURN;
    END IF;
    RETURN QUERY
    WITH waiting AS (
        SELECT inbox.id, sum(length(inbox.body)) OVER (ORDER BY inbox.id) - length(inbox.body) AS before
        FROM inbox
        WHERE inbox.tenant = of_tenant AND inbox.thread = of_thread AND inbox.source = of_source
            AND inbox.handled_at IS NULL
        ORDER BY inbox.id LIMIT at_most
    ), taken AS (
        UPDATE inbox
        SET holder = by_holder, held_until = clock_timestamp() + seconds * interval '1 second',
            attempts = inbox.attempts + 1
        FROM waiting WHERE inbox.id = waiting.id AND waiting.before <= bytes_at_most
        RETURNING inbox.id, inbox.body, inbox.attempts
    )
    SELECT taken.id, taken.body, taken.attempts FROM taken ORDER BY taken.id;
END $$;
