-- A new job wakes the processes that carry out its kind, and nobody else; one that ended wakes nobody.

CREATE OR REPLACE FUNCTION fn_pgqueuer_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kinds json := (SELECT json_agg(DISTINCT entrypoint) FROM added);
BEGIN
    IF kinds IS NOT NULL THEN
        PERFORM pg_notify('ch_pgqueuer', json_build_object(
            'channel', 'ch_pgqueuer', 'operation', 'insert', 'sent_at', now(),
            'table', TG_TABLE_NAME, 'type', 'table_changed_event', 'kinds', kinds
        )::text);
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER tg_pgqueuer_changed ON pgqueuer;
CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT ON pgqueuer
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION fn_pgqueuer_changed();
