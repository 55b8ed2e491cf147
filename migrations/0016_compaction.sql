-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
-- A page that is merged from several holds entries that were recorded at several times.
CREATE TABLE "uncompacted_session" (
	"session_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"written_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "ledger_page" ADD COLUMN "recorded_delta" integer[];--> statement-breakpoint
CREATE INDEX "uncompacted_session_written" ON "uncompacted_session" USING btree ("written_at");
--> statement-breakpoint

-- By hand, from here on. Like every array of a page, it is left out of the statistics.
ALTER TABLE ledger_page ALTER COLUMN recorded_delta SET STATISTICS 0;
--> statement-breakpoint
COMMENT ON COLUMN ledger_page.recorded_at IS
  'When the newest of its entries was recorded.';
--> statement-breakpoint
COMMENT ON COLUMN ledger_page.recorded_delta IS
  'When each entry was recorded, in microseconds from recorded_at; null: all at recorded_at.';
--> statement-breakpoint
COMMENT ON TABLE uncompacted_session IS
  'Sessions that were written to since their pages were last merged; see compact_sessions.';
--> statement-breakpoint
COMMENT ON COLUMN uncompacted_session.session_id IS 'The session.';
--> statement-breakpoint
COMMENT ON COLUMN uncompacted_session.written_at IS
  'A time at which it was written to; it may have been written to since.';
--> statement-breakpoint

CREATE OR REPLACE VIEW ledger_entry AS
SELECT
  page.session_id,
  source.metric_type,
  CASE source.metric_type
    WHEN 'llm_metrics' THEN 'llm_usage'
    WHEN 'realtime_model_metrics' THEN 'llm_usage'
    WHEN 'tts_metrics' THEN 'tts_usage'
    WHEN 'stt_metrics' THEN 'stt_usage'
    WHEN 'interruption_metrics' THEN 'interruption_usage'
    WHEN 'eot_inference_metrics' THEN 'eot_usage'
  END AS usage_type,
  entry.request_id,
  source.provider,
  source.model,
  'epoch'::timestamptz + entry.event_us * interval '1 microsecond' AS event_at,
  page.kafka_topic,
  page.kafka_partition,
  page.base_offset + entry.offset_delta AS kafka_offset,
  coalesce(entry.input_tokens, 0) AS input_tokens,
  coalesce(entry.input_cached_tokens, 0) AS input_cached_tokens,
  coalesce(entry.input_audio_tokens, 0) AS input_audio_tokens,
  coalesce(entry.input_cached_audio_tokens, 0) AS input_cached_audio_tokens,
  coalesce(entry.input_text_tokens, 0) AS input_text_tokens,
  coalesce(entry.input_cached_text_tokens, 0) AS input_cached_text_tokens,
  coalesce(entry.input_image_tokens, 0) AS input_image_tokens,
  coalesce(entry.input_cached_image_tokens, 0) AS input_cached_image_tokens,
  coalesce(entry.output_tokens, 0) AS output_tokens,
  coalesce(entry.output_audio_tokens, 0) AS output_audio_tokens,
  coalesce(entry.output_text_tokens, 0) AS output_text_tokens,
  coalesce(entry.output_image_tokens, 0) AS output_image_tokens,
  coalesce(entry.session_duration, 0) AS session_duration,
  coalesce(entry.characters_count, 0) AS characters_count,
  coalesce(entry.audio_duration, 0) AS audio_duration,
  coalesce(entry.total_requests, 0) AS total_requests,
  page.is_correction,
  substring(page.identities FROM (16 * entry.number - 15)::integer FOR 8) AS identity,
  substring(page.identities FROM (16 * entry.number - 7)::integer FOR 8) AS fingerprint,
  coalesce(entry.input_cache_creation_tokens, 0) AS input_cache_creation_tokens,
  coalesce(entry.output_reasoning_tokens, 0) AS output_reasoning_tokens,
  page.recorded_at + coalesce(entry.recorded_delta, 0) * interval '1 microsecond' AS recorded_at
FROM ledger_page AS page
CROSS JOIN LATERAL unnest(
  page.source_id,
  page.request_id,
  page.event_us,
  page.offset_delta,
  page.input_tokens,
  page.input_cached_tokens,
  page.input_audio_tokens,
  page.input_cached_audio_tokens,
  page.input_text_tokens,
  page.input_cached_text_tokens,
  page.input_image_tokens,
  page.input_cached_image_tokens,
  page.output_tokens,
  page.output_audio_tokens,
  page.output_text_tokens,
  page.output_image_tokens,
  page.session_duration,
  page.characters_count,
  page.audio_duration,
  page.total_requests,
  page.input_cache_creation_tokens,
  page.output_reasoning_tokens,
  page.recorded_delta
) WITH ORDINALITY AS entry (
  source_id,
  request_id,
  event_us,
  offset_delta,
  input_tokens,
  input_cached_tokens,
  input_audio_tokens,
  input_cached_audio_tokens,
  input_text_tokens,
  input_cached_text_tokens,
  input_image_tokens,
  input_cached_image_tokens,
  output_tokens,
  output_audio_tokens,
  output_text_tokens,
  output_image_tokens,
  session_duration,
  characters_count,
  audio_duration,
  total_requests,
  input_cache_creation_tokens,
  output_reasoning_tokens,
  recorded_delta,
  number
)
JOIN usage_source AS source ON source.source_id = entry.source_id;
--> statement-breakpoint

-- The functions below run with the rights of the schema's owner, since a worker may not delete. They
-- look up names in pg_catalog only: what is of the ledger is named with its schema.

-- Notes the sessions of new pages, by whatever build they are written. Once per statement, and a row
-- only for the first page after a compaction: about 200 bytes of WAL for a call. Whoever writes pages
-- holds the locks of their sessions, so that nobody else writes to these rows meanwhile.
DO $outer$
BEGIN
  EXECUTE format($create$
    CREATE FUNCTION note_uncompacted() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    BEGIN
      INSERT INTO %1$I.uncompacted_session (session_id)
      SELECT DISTINCT session_id FROM added
      ON CONFLICT (session_id) DO NOTHING;
      RETURN NULL;
    END
    $body$ $create$, current_schema());
END
$outer$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION note_uncompacted() FROM PUBLIC;
--> statement-breakpoint
CREATE TRIGGER note_uncompacted AFTER INSERT ON ledger_page
  REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_uncompacted();
--> statement-breakpoint
-- Those that there are, too: a microsecond or some for each.
INSERT INTO uncompacted_session (session_id) SELECT session_id FROM session;
--> statement-breakpoint

-- Two functions, made from lists of the columns of a page, so that each is named once.
--
-- A migration that adds a column to ledger_page makes both again, with the column in one of the lists:
-- compact_sessions refuses to run as long as ledger_page has a column that they do not know.
DO $outer$
DECLARE
  -- What a page has once, and how it follows from the pages that are merged. Those of topic, partition
  -- and is_correction are the same in all of them.
  once constant jsonb := '{
    "session_id": "of_session",
    "period": "of_period",
    "revision": "last_revision",
    "page": "last_page",
    "kafka_topic": "min(kafka_topic)",
    "kafka_partition": "min(kafka_partition)",
    "base_offset": "first_offset",
    "entry_count": "count(*)",
    "is_correction": "bool_and(is_correction)",
    "change_id": "max(change_id)",
    "recorded_at": "newest",
    "recorded_delta": "CASE WHEN bool_or(recorded_delta <> 0) THEN array_agg(recorded_delta) END",
    "identities": "string_agg(identity, NULL)",
    "offset_delta": "array_agg((kafka_offset - first_offset)::integer)"
  }';
  -- Arrays with an element for each entry, which is taken over as it is.
  always constant text[] := ARRAY['source_id', 'request_id', 'event_us'];
  -- The same; null where no entry has an element.
  sometimes constant text[] := ARRAY[
    'input_tokens', 'input_cached_tokens', 'input_cache_creation_tokens', 'input_audio_tokens',
    'input_cached_audio_tokens', 'input_text_tokens', 'input_cached_text_tokens',
    'input_image_tokens', 'input_cached_image_tokens', 'output_tokens', 'output_audio_tokens',
    'output_text_tokens', 'output_image_tokens', 'output_reasoning_tokens', 'characters_count',
    'total_requests', 'session_duration', 'audio_duration'
  ];
  taken constant text[] := always || sometimes;
  arrays constant text[] := ARRAY['offset_delta', 'recorded_delta'] || taken;
  home constant text := current_schema();
BEGIN
  -- Replaces pages of a session by one that holds their entries, in the order of their offsets:
  -- load_sessions takes the last entry for the one with the highest offset. The new page has the key of
  -- the last one that it replaces, and so collides with none. Returns how many pages it replaced: none,
  -- if there is only one.
  EXECUTE format($create$
    CREATE FUNCTION merge_ledger_pages(
      of_session text, of_period date, revisions bigint[], numbers smallint[], entries integer,
      first_offset bigint, newest timestamptz
    ) RETURNS integer
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      last_revision constant bigint := revisions[cardinality(revisions)];
      last_page constant smallint := numbers[cardinality(numbers)];
      merged integer;
    BEGIN
      IF cardinality(revisions) < 2 THEN
        RETURN 0;
      END IF;
      WITH old AS (
        DELETE FROM %1$I.ledger_page AS page
        USING unnest(revisions, numbers) AS key (revision, page)
        WHERE page.session_id = of_session AND page.period = of_period
          AND page.revision = key.revision AND page.page = key.page
        RETURNING page.*,
          (extract(epoch FROM page.recorded_at - newest) * 1000000)::bigint AS page_delta
      ), entry AS (
        SELECT old.kafka_topic, old.kafka_partition, old.is_correction, old.change_id,
          old.base_offset + old.offset_delta[number] AS kafka_offset,
          (old.page_delta + coalesce(old.recorded_delta[number], 0))::integer AS recorded_delta,
          substring(old.identities FROM 16 * number - 15 FOR 16) AS identity,
          %2$s
        FROM old CROSS JOIN LATERAL generate_series(1, old.entry_count) AS number
        ORDER BY kafka_offset, old.revision, old.page, number
      )
      INSERT INTO %1$I.ledger_page (%3$s, %4$s)
      SELECT %5$s, %6$s FROM entry
      RETURNING entry_count INTO merged;
      IF merged IS DISTINCT FROM entries THEN
        RAISE EXCEPTION 'session %%: %% entries were to be merged, and %% were found',
          of_session, entries, merged;
      END IF;
      RETURN cardinality(revisions);
    END
    $body$ $create$,
    home,
    (SELECT string_agg(format('old.%1$s[number] AS %1$s', name), ', ') FROM unnest(taken) AS name),
    (SELECT string_agg(key, ', ' ORDER BY key) FROM jsonb_each_text(once)),
    array_to_string(taken, ', '),
    (SELECT string_agg(value, ', ' ORDER BY key) FROM jsonb_each_text(once)),
    (SELECT string_agg(format('array_agg(%s)', name), ', ') FROM unnest(always) AS name) || ', ' ||
    (SELECT string_agg(format('CASE WHEN count(%1$s) > 0 THEN array_agg(%1$s) END', name), ', ')
      FROM unnest(sometimes) AS name));

  -- Merges pages of sessions that were not written to for a while. It never waits for a session, and it
  -- holds locks for milliseconds: a call ends after the session that uses up the budget, and takes at
  -- most 512 pages of a session. Returns a row for each session that it came to, with the number of
  -- pages that were replaced, and of those that replaced them:
  --   merged   pages were merged
  --   minimal  there is nothing to merge
  --   live     it was written to within that time
  --   locked   a transaction writes to it
  --   gone     there is no such session
  --
  -- Those pages are merged that were written one after the other, of one topic and partition, corrections
  -- apart, as long as they fit into one: 64 entries, as for the worker; about 4 kB, half of a disk page,
  -- since a row that takes more leaves the rest of its disk page empty; offsets and times that differ by
  -- 32 bits. A page that is full to three quarters stays as it is, so that a late event does not make
  -- it be written again. So does one with arrays of other lengths than it should have, for verify to find.
  EXECUTE format($create$
    CREATE FUNCTION compact_sessions(sessions text[], quiet_for interval, budget interval)
    RETURNS TABLE (id text, state text, pages_before integer, pages_after integer)
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
    DECLARE
      begun constant timestamptz := clock_timestamp();
      most_pages constant integer := 512;
      most_entries constant integer := 64;
      most_bytes constant integer := 3250;
      full_entries constant integer := most_entries * 3 / 4;
      full_bytes constant integer := most_bytes * 3 / 4;
      most_offsets constant bigint := 2147483647;
      most_time constant interval := interval '2147 seconds';
      of_period date;
      written timestamptz;
      candidate record;
      run record;
      revisions bigint[];
      numbers smallint[];
      seen integer;
      merged integer;
    BEGIN
      -- What a crash loses is merged again. Nobody waits for the disk with locks held.
      PERFORM set_config('synchronous_commit', 'off', true);
      IF ARRAY[%2$s] <> ARRAY(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = '%1$I.ledger_page'::regclass AND attnum > 0 AND NOT attisdropped
        ORDER BY attname::text COLLATE "C"
      ) THEN
        RAISE EXCEPTION 'compact_sessions does not know the columns that ledger_page has';
      END IF;

      FOREACH id IN ARRAY sessions LOOP
        pages_before := 0;
        pages_after := 0;
        seen := 0;
        SELECT period INTO of_period FROM %1$I.session
        WHERE session_id = id FOR NO KEY UPDATE SKIP LOCKED;
        IF FOUND THEN
          SELECT max(updated_at) INTO written FROM %1$I.session_model_usage WHERE session_id = id;
          state := CASE WHEN written > now() - quiet_for THEN 'live' ELSE 'minimal' END;
        ELSE
          PERFORM FROM %1$I.session WHERE session_id = id;
          state := CASE WHEN FOUND THEN 'locked' ELSE 'gone' END;
        END IF;

        IF state = 'minimal' THEN
          revisions := '{}';
          numbers := '{}';
          FOR candidate IN
            SELECT revision, page, kafka_topic AS topic, kafka_partition AS partition, is_correction,
              entry_count AS entries, bytes, base_offset AS first_offset,
              base_offset + offset_delta[entry_count] AS last_offset, recorded_at AS newest,
              recorded_at + coalesce((SELECT min(delta) FROM unnest(recorded_delta) AS delta), 0)
                * interval '1 microsecond' AS oldest
            FROM (
              SELECT * FROM (
                -- Its bytes without those that a row, and an array with one element, has anyway.
                SELECT each_page.*, greatest(40 * entry_count,
                    pg_column_size(each_page.*) - 120 - 21 * num_nonnulls(%3$s)) AS bytes
                FROM %1$I.ledger_page AS each_page
                WHERE session_id = id AND period = of_period
              ) AS sized
              WHERE entry_count > 0 AND entry_count < full_entries AND bytes < full_bytes
                AND octet_length(identities) = 16 * entry_count
                AND '[1:' || entry_count || ']' = ALL (array_remove(ARRAY[%4$s], NULL))
                -- Empty arrays have no dimensions.
                AND num_nonnulls(%4$s) = num_nonnulls(%3$s)
              ORDER BY revision, page
              LIMIT most_pages
            ) AS page
            ORDER BY kafka_topic, kafka_partition, is_correction, revision, page
          LOOP
            seen := seen + 1;
            IF seen = 1 THEN
              run := candidate;
            ELSIF (candidate.topic, candidate.partition, candidate.is_correction)
                = (run.topic, run.partition, run.is_correction)
              AND run.entries + candidate.entries <= most_entries
              AND run.bytes + candidate.bytes <= most_bytes
              AND greatest(run.last_offset, candidate.last_offset)
                - least(run.first_offset, candidate.first_offset) <= most_offsets
              AND greatest(run.newest, candidate.newest)
                - least(run.oldest, candidate.oldest) <= most_time
            THEN
              run.entries := run.entries + candidate.entries;
              run.bytes := run.bytes + candidate.bytes;
              run.first_offset := least(run.first_offset, candidate.first_offset);
              run.last_offset := greatest(run.last_offset, candidate.last_offset);
              run.oldest := least(run.oldest, candidate.oldest);
              run.newest := greatest(run.newest, candidate.newest);
            ELSE
              merged := %1$I.merge_ledger_pages(id, of_period, revisions, numbers, run.entries,
                run.first_offset, run.newest);
              pages_before := pages_before + merged;
              pages_after := pages_after + sign(merged);
              run := candidate;
              revisions := '{}';
              numbers := '{}';
            END IF;
            revisions := revisions || candidate.revision;
            numbers := numbers || candidate.page;
          END LOOP;
          IF seen > 1 THEN
            merged := %1$I.merge_ledger_pages(id, of_period, revisions, numbers, run.entries,
              run.first_offset, run.newest);
            pages_before := pages_before + merged;
            pages_after := pages_after + sign(merged);
          END IF;
          IF pages_before > 0 THEN
            state := 'merged';
          END IF;
        END IF;
        -- Under the session's lock, which a page that is added meanwhile needs, too.
        IF state = 'live' THEN
          UPDATE %1$I.uncompacted_session SET written_at = written WHERE session_id = id;
        ELSIF state IN ('gone', 'minimal') OR (state = 'merged' AND seen < most_pages) THEN
          DELETE FROM %1$I.uncompacted_session WHERE session_id = id;
        END IF;
        RETURN NEXT;
        EXIT WHEN clock_timestamp() - begun > budget;
      END LOOP;
    END
    $body$ $create$,
    home,
    (SELECT string_agg(quote_literal(name), ', ' ORDER BY name COLLATE "C")
      FROM (SELECT jsonb_object_keys(once) UNION SELECT unnest(taken)) AS known (name)),
    array_to_string(arrays, ', '),
    (SELECT string_agg(format('array_dims(%s)', name), ', ') FROM unnest(arrays) AS name));
END
$outer$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION
  merge_ledger_pages(text, date, bigint[], smallint[], integer, bigint, timestamptz),
  compact_sessions(text[], interval, interval)
FROM PUBLIC;
--> statement-breakpoint

-- Whoever may write pages may have them merged.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid = 'ledger_page'::regclass AND acl.grantee <> pg_class.relowner
      AND acl.privilege_type = 'INSERT'
  LOOP
    EXECUTE format('GRANT SELECT ON uncompacted_session TO %s', entry.grantee);
    EXECUTE format('GRANT EXECUTE ON FUNCTION compact_sessions(text[], interval, interval) TO %s',
      entry.grantee);
  END LOOP;
END
$$;
