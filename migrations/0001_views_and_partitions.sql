-- Counters that are updated in place want room on their page.
ALTER TABLE session SET (fillfactor = 80);
--> statement-breakpoint
ALTER TABLE session_model_usage SET (fillfactor = 70);
--> statement-breakpoint
ALTER TABLE consumer_position SET (fillfactor = 50);
--> statement-breakpoint
ALTER TABLE consumed_range SET (fillfactor = 50);
--> statement-breakpoint

-- Makes the partitions of ledger_page for this month and the next three, where they are missing.
-- Every migration runs it, and the worker once a day, with the rights of the schema's owner, so
-- that the worker itself needs none to make tables. What falls outside goes to the default
-- partition: nothing is refused for its month.
CREATE FUNCTION prepare_ledger_partitions() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
  month date;
  name text;
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
    END IF;
  END LOOP;
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
CREATE TABLE ledger_page_default PARTITION OF ledger_page DEFAULT
  WITH (toast_tuple_target = 8160);
--> statement-breakpoint
SELECT prepare_ledger_partitions();
--> statement-breakpoint

-- The itemised ledger, a row per entry, with the columns that only our own checks need.
CREATE VIEW ledger_entry AS
SELECT
  page.session_id,
  source.metric_type,
  CASE source.metric_type
    WHEN 'llm_metrics' THEN 'llm_usage'
    WHEN 'realtime_model_metrics' THEN 'llm_usage'
    WHEN 'tts_metrics' THEN 'tts_usage'
    WHEN 'stt_metrics' THEN 'stt_usage'
    WHEN 'interruption_metrics' THEN 'interruption_usage'
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
  substring(page.identities FROM (16 * entry.number - 7)::integer FOR 8) AS fingerprint
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
  page.total_requests
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
  number
)
JOIN usage_source AS source ON source.source_id = entry.source_id;
--> statement-breakpoint

-- The itemised ledger as billing sees it: one row per event that was applied. A correction, booked
-- when a person accepts a conflict, is a row of signed differences.
CREATE VIEW usage_event AS
SELECT
  session_id,
  metric_type,
  request_id,
  provider,
  model,
  event_at,
  kafka_topic,
  kafka_partition,
  kafka_offset,
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
  is_correction
FROM ledger_entry;
--> statement-breakpoint

CREATE VIEW llm_model_usage AS
SELECT session_id, usage_type AS type, provider, model,
  input_tokens, input_cached_tokens, input_audio_tokens, input_cached_audio_tokens,
  input_text_tokens, input_cached_text_tokens, input_image_tokens, input_cached_image_tokens,
  output_tokens, output_audio_tokens, output_text_tokens, session_duration
FROM session_model_usage WHERE usage_type = 'llm_usage';
--> statement-breakpoint
CREATE VIEW tts_model_usage AS
SELECT session_id, usage_type AS type, provider, model,
  input_tokens, output_tokens, characters_count, audio_duration
FROM session_model_usage WHERE usage_type = 'tts_usage';
--> statement-breakpoint
CREATE VIEW stt_model_usage AS
SELECT session_id, usage_type AS type, provider, model,
  input_tokens, output_tokens, audio_duration
FROM session_model_usage WHERE usage_type = 'stt_usage';
--> statement-breakpoint
CREATE VIEW interruption_model_usage AS
SELECT session_id, usage_type AS type, provider, model, total_requests
FROM session_model_usage WHERE usage_type = 'interruption_usage';
--> statement-breakpoint

-- LiveKit's deprecated UsageSummary, for its readers. A session has a row as soon as it is known,
-- as a new UsageCollector has a summary of zeros.
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
    coalesce(sum(input_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)::bigint AS llm_prompt_tokens,
    coalesce(sum(input_cached_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)::bigint
      AS llm_prompt_cached_tokens,
    coalesce(sum(input_audio_tokens), 0)::bigint AS llm_input_audio_tokens,
    coalesce(sum(input_cached_audio_tokens), 0)::bigint AS llm_input_cached_audio_tokens,
    coalesce(sum(input_text_tokens), 0)::bigint AS llm_input_text_tokens,
    coalesce(sum(input_cached_text_tokens), 0)::bigint AS llm_input_cached_text_tokens,
    coalesce(sum(input_image_tokens), 0)::bigint AS llm_input_image_tokens,
    coalesce(sum(input_cached_image_tokens), 0)::bigint AS llm_input_cached_image_tokens,
    coalesce(sum(output_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)::bigint
      AS llm_completion_tokens,
    coalesce(sum(output_audio_tokens), 0)::bigint AS llm_output_audio_tokens,
    coalesce(sum(output_image_tokens), 0)::bigint AS llm_output_image_tokens,
    coalesce(sum(output_text_tokens), 0)::bigint AS llm_output_text_tokens,
    coalesce(sum(characters_count), 0)::bigint AS tts_characters_count,
    coalesce(sum(audio_duration) FILTER (WHERE usage_type = 'tts_usage'), 0) AS tts_audio_duration,
    coalesce(sum(audio_duration) FILTER (WHERE usage_type = 'stt_usage'), 0) AS stt_audio_duration
  FROM session_model_usage AS usage
  WHERE usage.session_id = known.session_id
) AS sums;
