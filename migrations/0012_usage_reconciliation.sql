-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
CREATE TABLE "session_report" (
	"session_id" text COLLATE "C" PRIMARY KEY NOT NULL,
	"reported_at" timestamp with time zone NOT NULL,
	"model_usage" jsonb NOT NULL,
	"kafka_topic" text COLLATE "C" NOT NULL,
	"kafka_partition" integer NOT NULL,
	"kafka_offset" bigint NOT NULL,
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint

-- By hand, from here on. A row for each kind of usage, provider and model of a report. One that names
-- a model twice counts both. The sum of a column fits: a report has at most 1,000 elements.
CREATE VIEW session_usage_report AS
SELECT
  report.session_id,
  usage.type AS usage_type,
  usage.provider,
  usage.model,
  coalesce(sum(usage.input_tokens), 0)::bigint AS input_tokens,
  coalesce(sum(usage.input_cached_tokens), 0)::bigint AS input_cached_tokens,
  coalesce(sum(usage.input_cache_creation_tokens), 0)::bigint AS input_cache_creation_tokens,
  coalesce(sum(usage.input_audio_tokens), 0)::bigint AS input_audio_tokens,
  coalesce(sum(usage.input_cached_audio_tokens), 0)::bigint AS input_cached_audio_tokens,
  coalesce(sum(usage.input_text_tokens), 0)::bigint AS input_text_tokens,
  coalesce(sum(usage.input_cached_text_tokens), 0)::bigint AS input_cached_text_tokens,
  coalesce(sum(usage.input_image_tokens), 0)::bigint AS input_image_tokens,
  coalesce(sum(usage.input_cached_image_tokens), 0)::bigint AS input_cached_image_tokens,
  coalesce(sum(usage.output_tokens), 0)::bigint AS output_tokens,
  coalesce(sum(usage.output_audio_tokens), 0)::bigint AS output_audio_tokens,
  coalesce(sum(usage.output_text_tokens), 0)::bigint AS output_text_tokens,
  coalesce(sum(usage.output_image_tokens), 0)::bigint AS output_image_tokens,
  coalesce(sum(usage.output_reasoning_tokens), 0)::bigint AS output_reasoning_tokens,
  coalesce(sum(usage.characters_count), 0)::bigint AS characters_count,
  coalesce(sum(usage.total_requests), 0)::bigint AS total_requests,
  coalesce(trim_scale(sum(usage.session_duration)), 0) AS session_duration,
  coalesce(trim_scale(sum(usage.audio_duration)), 0) AS audio_duration,
  report.reported_at,
  report.kafka_topic,
  report.kafka_partition,
  report.kafka_offset
FROM session_report AS report
CROSS JOIN LATERAL jsonb_to_recordset(report.model_usage) AS usage (
    type text COLLATE "C",
    provider text COLLATE "C",
    model text COLLATE "C",
    input_tokens bigint,
    input_cached_tokens bigint,
    input_cache_creation_tokens bigint,
    input_audio_tokens bigint,
    input_cached_audio_tokens bigint,
    input_text_tokens bigint,
    input_cached_text_tokens bigint,
    input_image_tokens bigint,
    input_cached_image_tokens bigint,
    output_tokens bigint,
    output_audio_tokens bigint,
    output_text_tokens bigint,
    output_image_tokens bigint,
    output_reasoning_tokens bigint,
    characters_count bigint,
    total_requests bigint,
    session_duration numeric,
    audio_duration numeric
)
GROUP BY report.session_id, usage.type, usage.provider, usage.model, report.reported_at,
  report.kafka_topic, report.kafka_partition, report.kafka_offset;
--> statement-breakpoint

-- Agents sum doubles, the ledger sums exact decimals of their shortest forms. With n events, the sum s
-- of an agent is off by at most (n + 3) half units in its last place: n for the additions, one for the
-- shortest forms, two for milliseconds that are divided. A difference of seconds up to
-- 2 * (n + 2) * 2^-53 * s is therefore none.
CREATE VIEW usage_reconciliation AS
SELECT session_id, usage_type, provider, model, item.dimension, item.reported, item.recorded,
  CASE
    WHEN item.dimension IN ('session_duration', 'audio_duration')
      AND abs(item.recorded - item.reported) <= 2 * (coalesce(ledger.event_count, 0) + 2)
        * 1.1102230246251566e-16 * greatest(item.recorded, item.reported)
    THEN 0
    ELSE item.recorded - item.reported
  END AS difference
FROM session_usage_report AS agent
FULL JOIN (
  SELECT * FROM session_model_usage AS usage
  WHERE EXISTS (SELECT FROM session_report AS report WHERE report.session_id = usage.session_id)
) AS ledger USING (session_id, usage_type, provider, model)
CROSS JOIN LATERAL (
  SELECT dimension, coalesce(agent_quantity, 0) AS reported, coalesce(ledger_quantity, 0) AS recorded
  FROM (VALUES
    ('input_tokens', agent.input_tokens, ledger.input_tokens),
    ('input_cached_tokens', agent.input_cached_tokens, ledger.input_cached_tokens),
    ('input_cache_creation_tokens', agent.input_cache_creation_tokens, ledger.input_cache_creation_tokens),
    ('input_audio_tokens', agent.input_audio_tokens, ledger.input_audio_tokens),
    ('input_cached_audio_tokens', agent.input_cached_audio_tokens, ledger.input_cached_audio_tokens),
    ('input_text_tokens', agent.input_text_tokens, ledger.input_text_tokens),
    ('input_cached_text_tokens', agent.input_cached_text_tokens, ledger.input_cached_text_tokens),
    ('input_image_tokens', agent.input_image_tokens, ledger.input_image_tokens),
    ('input_cached_image_tokens', agent.input_cached_image_tokens, ledger.input_cached_image_tokens),
    ('output_tokens', agent.output_tokens, ledger.output_tokens),
    ('output_audio_tokens', agent.output_audio_tokens, ledger.output_audio_tokens),
    ('output_text_tokens', agent.output_text_tokens, ledger.output_text_tokens),
    ('output_image_tokens', agent.output_image_tokens, ledger.output_image_tokens),
    ('output_reasoning_tokens', agent.output_reasoning_tokens, ledger.output_reasoning_tokens),
    ('characters_count', agent.characters_count, ledger.characters_count),
    ('total_requests', agent.total_requests, ledger.total_requests),
    ('session_duration', agent.session_duration, ledger.session_duration),
    ('audio_duration', agent.audio_duration, ledger.audio_duration)
  ) AS quantities (dimension, agent_quantity, ledger_quantity)
) AS item
WHERE (item.reported <> 0 OR item.recorded <> 0)
  -- What LiveKit's agents do not count.
  AND (item.reported <> 0 OR item.dimension <> 'output_image_tokens');
--> statement-breakpoint

-- Whoever may write or read what is billed may do so with what was reported.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT target.relation, acl.privilege_type,
      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee
    FROM (VALUES
      ('session_model_usage', 'session_report'),
      ('llm_model_usage', 'session_usage_report'),
      ('llm_model_usage', 'usage_reconciliation')
    ) AS target (model, relation)
    JOIN pg_class ON pg_class.oid = target.model::regclass
    CROSS JOIN LATERAL aclexplode(pg_class.relacl) AS acl
    WHERE acl.grantee <> pg_class.relowner
  LOOP
    EXECUTE format('GRANT %s ON %I TO %s', entry.privilege_type, entry.relation, entry.grantee);
  END LOOP;
END
$$;
--> statement-breakpoint

COMMENT ON TABLE session_report IS
  'What the agent of a session counted itself: the latest of its reports';
COMMENT ON COLUMN session_report.session_id IS 'The session';
COMMENT ON COLUMN session_report.reported_at IS
  'When the agent reported; of two reports the later one stands, then that of the greater offset';
COMMENT ON COLUMN session_report.model_usage IS
  'Array of objects with type, provider, model and the usage columns that are not zero';
COMMENT ON COLUMN session_report.kafka_topic IS 'Where the report is';
COMMENT ON COLUMN session_report.kafka_partition IS 'Where the report is';
COMMENT ON COLUMN session_report.kafka_offset IS 'Where the report is';
COMMENT ON COLUMN session_report.recorded_at IS 'When it was written here';
--> statement-breakpoint

COMMENT ON VIEW session_usage_report IS
  'What the agent of a session counted itself, by kind of usage, provider and model; never billed';
COMMENT ON COLUMN session_usage_report.session_id IS 'The session';
COMMENT ON COLUMN session_usage_report.usage_type IS 'Kind of usage, such as llm_usage';
COMMENT ON COLUMN session_usage_report.provider IS 'Provider, as the agent names it; empty when unknown';
COMMENT ON COLUMN session_usage_report.model IS 'Model, as the agent names it; empty when unknown';
COMMENT ON COLUMN session_usage_report.reported_at IS 'When the agent reported';
COMMENT ON COLUMN session_usage_report.kafka_topic IS 'Where the report is';
COMMENT ON COLUMN session_usage_report.kafka_partition IS 'Where the report is';
COMMENT ON COLUMN session_usage_report.kafka_offset IS 'Where the report is';
--> statement-breakpoint
DO $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT attname FROM pg_attribute
    WHERE attrelid = 'session_usage_report'::regclass AND attnum > 0
      AND col_description(attrelid, attnum) IS NULL
  LOOP
    EXECUTE format('COMMENT ON COLUMN session_usage_report.%I IS %L', name,
      'As reported; session_model_usage has what is billed');
  END LOOP;
END
$$;
--> statement-breakpoint

COMMENT ON VIEW usage_reconciliation IS
  'Sessions that reported their usage: what was reported and what is billed, where either is not zero';
COMMENT ON COLUMN usage_reconciliation.session_id IS 'The session';
COMMENT ON COLUMN usage_reconciliation.usage_type IS 'Kind of usage, such as llm_usage';
COMMENT ON COLUMN usage_reconciliation.provider IS 'Provider, as it is named on either side';
COMMENT ON COLUMN usage_reconciliation.model IS 'Model, as it is named on either side';
COMMENT ON COLUMN usage_reconciliation.dimension IS 'Name of a usage column';
COMMENT ON COLUMN usage_reconciliation.reported IS 'What the agent counted, in the latest report';
COMMENT ON COLUMN usage_reconciliation.recorded IS 'What is billed: session_model_usage';
COMMENT ON COLUMN usage_reconciliation.difference IS
  'recorded - reported: negative when usage is missing here; 0 for seconds that differ as sums of doubles do';
