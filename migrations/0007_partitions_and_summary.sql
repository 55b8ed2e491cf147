-- Nobody but the owner makes anything in the schema: whoever may could put a function of his own in
-- the way of ours. In "public" others may live, who are left alone.
DO $$
BEGIN
  IF current_schema() = 'public' THEN
    RAISE WARNING 'schema public is shared: REVOKE CREATE ON SCHEMA public FROM PUBLIC is advised';
  ELSE
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
  END IF;
END
$$;
--> statement-breakpoint

-- Makes the partitions of ledger_page for this month and the next three, where they are missing, with
-- the rights of the schema's owner: the worker needs none to make tables.
--
-- It looks up names in pg_catalog only, and calls nothing that is not there. Where there is nothing to
-- make it takes no lock; where there is, it waits two seconds for one. What one month refuses is a
-- warning, and the others are made. Pages of a month that lie in the default partition, where they go
-- as long as their month has none, are moved over; if they are many, only by a caller who has the time
-- (`statement_timeout` is 0), such as migrate.
DO $outer$
BEGIN
  EXECUTE format($create$
    CREATE OR REPLACE FUNCTION prepare_ledger_partitions() RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '2s' AS $body$
    DECLARE
      home constant text := %L;
      most constant bigint := 10000;
      month date;
      name text;
      bounds text;
      waiting bigint;
      heavy text;
    BEGIN
      FOR i IN 0..3 LOOP
        month := date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => i);
        name := 'ledger_page_' || to_char(month::timestamp, 'YYYY_MM');
        CONTINUE WHEN to_regclass(format('%%I.%%I', home, name)) IS NOT NULL;
        bounds := format('period >= %%L AND period < %%L', month, month + interval '1 month');
        BEGIN
          -- One at a time, without a hindrance to readers and writers; whoever had it may have made it.
          EXECUTE format('LOCK TABLE %%I.ledger_page IN SHARE UPDATE EXCLUSIVE MODE', home);
          CONTINUE WHEN to_regclass(format('%%I.%%I', home, name)) IS NOT NULL;
          EXECUTE format('SELECT count(*) FROM (SELECT FROM %%I.ledger_page_default WHERE %%s LIMIT %%s) AS p',
            home, bounds, most + 1) INTO waiting;
          IF waiting > most AND current_setting('statement_timeout') <> '0' THEN
            RAISE WARNING '%% is not made, since ledger_page_default holds many pages of that month; run: usage-ledger migrate', name;
            CONTINUE;
          END IF;
          -- Rows stay in their page up to 8 kB: reading a session is one index scan, no side trips.
          EXECUTE format('CREATE TABLE %%1$I.%%2$I (LIKE %%1$I.ledger_page INCLUDING ALL) '
            'WITH (toast_tuple_target = 8160)', home, name);
          -- ANALYZE would look for the most frequent elements of every array.
          SELECT string_agg(format('ALTER COLUMN %%I SET STATISTICS 0', attname), ', ') INTO heavy
          FROM pg_attribute
          WHERE attrelid = format('%%I.%%I', home, name)::regclass AND attnum > 0
            AND NOT attisdropped AND (atttypid = 'bytea'::regtype
              OR atttypid IN (SELECT oid FROM pg_type WHERE typcategory = 'A'));
          EXECUTE format('ALTER TABLE %%I.%%I ', home, name) || heavy;
          EXECUTE format('LOCK TABLE %%I.ledger_page_default IN ACCESS EXCLUSIVE MODE', home);
          EXECUTE format('WITH moved AS (DELETE FROM %%1$I.ledger_page_default WHERE %%3$s RETURNING *) '
            'INSERT INTO %%1$I.%%2$I SELECT * FROM moved', home, name, bounds);
          EXECUTE format('ALTER TABLE %%1$I.ledger_page ATTACH PARTITION %%1$I.%%2$I FOR VALUES FROM (%%3$L) TO (%%4$L)',
            home, name, month, month + interval '1 month');
        EXCEPTION
          WHEN lock_not_available THEN
            RAISE WARNING '%% is not made, since others use ledger_page for long; it is tried again later', name;
            EXIT;
          WHEN OTHERS THEN
            RAISE WARNING '%% is not made: %%', name, SQLERRM;
        END;
      END LOOP;
    END
    $body$ $create$, current_schema());
END
$outer$;
--> statement-breakpoint

-- Sums of one session may be beyond bigint, and one session that is would make the view fail for all.
-- Whoever was allowed to read the view stays so.
DO $$
DECLARE
  granted aclitem[] := (SELECT relacl FROM pg_class WHERE oid = 'session_usage_summary'::regclass);
  owner oid := (SELECT relowner FROM pg_class WHERE oid = 'session_usage_summary'::regclass);
  item record;
BEGIN
  DROP VIEW session_usage_summary;
  CREATE VIEW session_usage_summary AS
  SELECT
    known.session_id,
    sums.llm_prompt_tokens,
    sums.llm_prompt_cached_tokens,
    sums.llm_input_audio_tokens,
    sums.llm_input_cached_audio_tokens,
    sums.llm_input_text_tokens,
    sums.llm_input_cached_text_tokens,
    sums.llm_input_image_tokens,
    sums.llm_input_cached_image_tokens,
    sums.llm_completion_tokens,
    sums.llm_output_audio_tokens,
    sums.llm_output_image_tokens,
    sums.llm_output_text_tokens,
    sums.tts_characters_count,
    sums.tts_audio_duration,
    sums.stt_audio_duration,
    sums.llm_prompt_tokens AS llm_input_tokens,
    sums.llm_completion_tokens AS llm_output_tokens
  FROM session AS known
  CROSS JOIN LATERAL (
    SELECT
      coalesce(sum(input_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0) AS llm_prompt_tokens,
      coalesce(sum(input_cached_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
        AS llm_prompt_cached_tokens,
      coalesce(sum(input_audio_tokens), 0) AS llm_input_audio_tokens,
      coalesce(sum(input_cached_audio_tokens), 0) AS llm_input_cached_audio_tokens,
      coalesce(sum(input_text_tokens), 0) AS llm_input_text_tokens,
      coalesce(sum(input_cached_text_tokens), 0) AS llm_input_cached_text_tokens,
      coalesce(sum(input_image_tokens), 0) AS llm_input_image_tokens,
      coalesce(sum(input_cached_image_tokens), 0) AS llm_input_cached_image_tokens,
      coalesce(sum(output_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
        AS llm_completion_tokens,
      coalesce(sum(output_audio_tokens), 0) AS llm_output_audio_tokens,
      coalesce(sum(output_image_tokens), 0) AS llm_output_image_tokens,
      coalesce(sum(output_text_tokens), 0) AS llm_output_text_tokens,
      coalesce(sum(characters_count), 0) AS tts_characters_count,
      coalesce(sum(audio_duration) FILTER (WHERE usage_type = 'tts_usage'), 0) AS tts_audio_duration,
      coalesce(sum(audio_duration) FILTER (WHERE usage_type = 'stt_usage'), 0) AS stt_audio_duration
    FROM session_model_usage AS usage
    WHERE usage.session_id = known.session_id
  ) AS sums;
  FOR item IN SELECT grantee, privilege_type FROM aclexplode(granted) WHERE grantee <> owner LOOP
    EXECUTE format('GRANT %s ON session_usage_summary TO %s', item.privilege_type,
      CASE item.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(item.grantee)) END);
  END LOOP;
END
$$;
