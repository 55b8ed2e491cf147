-- The statements of this trigger were texts, planned again for each session of several days: nearly all of
-- what it took. With the schema in its body, their plans are kept.
DO $do$
BEGIN
  EXECUTE format($create$
    CREATE OR REPLACE FUNCTION keep_session_days() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    BEGIN
      INSERT INTO %1$I.session_day (session_id, day)
      SELECT DISTINCT NEW.session_id, ('epoch'::timestamp + event.us * interval '1 microsecond')::date
      FROM %1$I.ledger_page AS page CROSS JOIN LATERAL unnest(page.event_us) AS event (us)
      WHERE page.session_id = NEW.session_id AND page.period = NEW.period
        AND page.revision = NEW.revision
      ON CONFLICT DO NOTHING;
      -- Of one day until now: that day has had no row.
      IF TG_OP = 'UPDATE' AND (OLD.first_event_at AT TIME ZONE 'UTC')::date
          = (OLD.last_event_at AT TIME ZONE 'UTC')::date THEN
        INSERT INTO %1$I.session_day (session_id, day)
        VALUES (OLD.session_id, (OLD.first_event_at AT TIME ZONE 'UTC')::date)
        ON CONFLICT DO NOTHING;
      END IF;
      RETURN NULL;
    END
    $body$
  $create$, current_schema());
END
$do$;
