-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
-- What livekit-agents counts since 1.5.10. Neither statement rewrites a table.
ALTER TABLE "ledger_page" ADD COLUMN "input_cache_creation_tokens" bigint[];--> statement-breakpoint
ALTER TABLE "ledger_page" ADD COLUMN "output_reasoning_tokens" bigint[];--> statement-breakpoint
ALTER TABLE "session_model_usage" ADD COLUMN "input_cache_creation_tokens" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "session_model_usage" ADD COLUMN "output_reasoning_tokens" bigint DEFAULT 0 NOT NULL;
--> statement-breakpoint

-- By hand, from here on. Like every array of a page, these are left out of the statistics.
ALTER TABLE ledger_page ALTER COLUMN input_cache_creation_tokens SET STATISTICS 0,
  ALTER COLUMN output_reasoning_tokens SET STATISTICS 0;
--> statement-breakpoint

-- The rows of ledger_page on their way, with the new columns. The type of before stays as it is: a
-- worker of the earlier build that still runs would have its batches refused as malformed.
CREATE TYPE ledger_page_row_2 AS (
  session_id text,
  period date,
  revision bigint,
  page smallint,
  kafka_topic text,
  kafka_partition integer,
  base_offset bigint,
  entry_count integer,
  is_correction boolean,
  identities bytea,
  source_id integer[],
  request_id text[],
  event_us bigint[],
  offset_delta integer[],
  input_tokens bigint[],
  input_cached_tokens bigint[],
  input_cache_creation_tokens bigint[],
  input_audio_tokens bigint[],
  input_cached_audio_tokens bigint[],
  input_text_tokens bigint[],
  input_cached_text_tokens bigint[],
  input_image_tokens bigint[],
  input_cached_image_tokens bigint[],
  output_tokens bigint[],
  output_audio_tokens bigint[],
  output_text_tokens bigint[],
  output_image_tokens bigint[],
  output_reasoning_tokens bigint[],
  characters_count bigint[],
  total_requests bigint[],
  session_duration numeric[],
  audio_duration numeric[]
);
--> statement-breakpoint

-- New columns come last in each view, so that what others built on it stays, and so do its grants.
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
  page.recorded_at
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
  page.output_reasoning_tokens
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
  number
)
JOIN usage_source AS source ON source.source_id = entry.source_id;
--> statement-breakpoint

CREATE OR REPLACE VIEW usage_event AS
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
  is_correction,
  usage_type,
  recorded_at,
  input_cache_creation_tokens,
  output_reasoning_tokens
FROM ledger_entry;
--> statement-breakpoint

CREATE OR REPLACE VIEW llm_model_usage AS
SELECT session_id, usage_type AS type, provider, model,
  input_tokens, input_cached_tokens, input_audio_tokens, input_cached_audio_tokens,
  input_text_tokens, input_cached_text_tokens, input_image_tokens, input_cached_image_tokens,
  output_tokens, output_audio_tokens, output_text_tokens, session_duration,
  input_cache_creation_tokens, output_reasoning_tokens
FROM session_model_usage WHERE usage_type = 'llm_usage';
--> statement-breakpoint

CREATE OR REPLACE VIEW stt_model_usage AS
SELECT session_id, usage_type AS type, provider, model,
  input_tokens, output_tokens, audio_duration, input_audio_tokens
FROM session_model_usage WHERE usage_type = 'stt_usage';
--> statement-breakpoint

CREATE VIEW eot_model_usage AS
SELECT session_id, usage_type AS type, provider, model, total_requests
FROM session_model_usage WHERE usage_type = 'eot_usage';
--> statement-breakpoint

-- The sums of LLM are of LLM alone: STT has audio tokens, too.
CREATE OR REPLACE VIEW session_usage_summary AS
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
  sums.llm_completion_tokens AS llm_output_tokens,
  sums.stt_input_tokens,
  sums.stt_output_tokens,
  sums.stt_input_audio_tokens
FROM session AS known
CROSS JOIN LATERAL (
  SELECT
    coalesce(sum(input_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0) AS llm_prompt_tokens,
    coalesce(sum(input_cached_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_prompt_cached_tokens,
    coalesce(sum(input_audio_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_input_audio_tokens,
    coalesce(sum(input_cached_audio_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_input_cached_audio_tokens,
    coalesce(sum(input_text_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_input_text_tokens,
    coalesce(sum(input_cached_text_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_input_cached_text_tokens,
    coalesce(sum(input_image_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_input_image_tokens,
    coalesce(sum(input_cached_image_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_input_cached_image_tokens,
    coalesce(sum(output_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_completion_tokens,
    coalesce(sum(output_audio_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_output_audio_tokens,
    coalesce(sum(output_image_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_output_image_tokens,
    coalesce(sum(output_text_tokens) FILTER (WHERE usage_type = 'llm_usage'), 0)
      AS llm_output_text_tokens,
    coalesce(sum(characters_count), 0) AS tts_characters_count,
    coalesce(sum(audio_duration) FILTER (WHERE usage_type = 'tts_usage'), 0) AS tts_audio_duration,
    coalesce(sum(audio_duration) FILTER (WHERE usage_type = 'stt_usage'), 0) AS stt_audio_duration,
    coalesce(sum(input_tokens) FILTER (WHERE usage_type = 'stt_usage'), 0) AS stt_input_tokens,
    coalesce(sum(output_tokens) FILTER (WHERE usage_type = 'stt_usage'), 0) AS stt_output_tokens,
    coalesce(sum(input_audio_tokens) FILTER (WHERE usage_type = 'stt_usage'), 0)
      AS stt_input_audio_tokens
  FROM session_model_usage AS usage
  WHERE usage.session_id = known.session_id
) AS sums;
--> statement-breakpoint

-- Whoever may read the usage of interruption detection may read that of end-of-turn detection.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee, acl.privilege_type
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid = 'interruption_model_usage'::regclass AND acl.grantee <> pg_class.relowner
  LOOP
    EXECUTE format('GRANT %s ON eot_model_usage TO %s', entry.privilege_type, entry.grantee);
  END LOOP;
END
$$;
