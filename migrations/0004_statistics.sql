-- ANALYZE looks for the most frequent elements of every array: for pages of the ledger that was
-- nearly all that it took, for figures that no query asks for.
CREATE FUNCTION leave_pages_out_of_statistics() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  columns text;
BEGIN
  SELECT string_agg(format('ALTER COLUMN %I SET STATISTICS 0', attname), ', ') INTO columns
  FROM pg_attribute
  WHERE attrelid = 'ledger_page'::regclass AND attnum > 0 AND NOT attisdropped
    AND (attndims > 0 OR atttypid = 'bytea'::regtype);
  -- The partitions, too, that there are now.
  EXECUTE 'ALTER TABLE ledger_page ' || columns;
END
$$;
--> statement-breakpoint
-- As before, and a partition that is made is left out of the statistics, too.
CREATE OR REPLACE FUNCTION prepare_ledger_partitions() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  month date;
  name text;
  is_made boolean := false;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('usage_ledger:partitions'));
  FOR i IN 0..3 LOOP
    month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i);
    name := 'ledger_page_' || to_char(month, 'YYYY_MM');
    IF to_regclass(quote_ident(current_schema()) || '.' || quote_ident(name)) IS NULL THEN
      -- Rows stay in their page up to 8 kB: reading a session is one index scan, no side trips.
      EXECUTE format(
        'CREATE TABLE %I PARTITION OF ledger_page FOR VALUES FROM (%L) TO (%L) '
        'WITH (toast_tuple_target = 8160)', name, month, month + interval '1 month');
      is_made := true;
    END IF;
  END LOOP;
  IF is_made THEN
    PERFORM leave_pages_out_of_statistics();
  END IF;
END
$$;
--> statement-breakpoint
DO $$
BEGIN
  -- Whoever calls it, it works on the schema that it was made in.
  EXECUTE format('ALTER FUNCTION prepare_ledger_partitions() SET search_path = %I, pg_temp',
                 current_schema());
END
$$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION leave_pages_out_of_statistics() FROM PUBLIC;
--> statement-breakpoint
SELECT leave_pages_out_of_statistics();
--> statement-breakpoint

-- A call that goes on is written by every batch: half of a page is left for the next version of each
-- of its rows, so that it needs no new entry in the index.
ALTER TABLE session SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE session_model_usage SET (fillfactor = 50);
