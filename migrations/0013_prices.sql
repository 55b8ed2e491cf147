-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
CREATE TABLE "model_price" (
	"usage_type" text COLLATE "C" NOT NULL,
	"provider" text COLLATE "C" NOT NULL,
	"model" text COLLATE "C" NOT NULL,
	"dimension" text COLLATE "C" NOT NULL,
	"unit_price" numeric NOT NULL,
	"per" numeric NOT NULL,
	"currency" char(3) NOT NULL,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_to" timestamp with time zone,
	"price_id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "model_price_price_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"recorded_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "session_day" (
	"session_id" text COLLATE "C" NOT NULL,
	"day" date NOT NULL,
	CONSTRAINT "session_day_key" PRIMARY KEY("session_id","day")
);
--> statement-breakpoint
CREATE INDEX "session_day_by_day" ON "session_day" USING btree ("day");
--> statement-breakpoint
CREATE INDEX "session_by_account" ON "session" USING btree ("account_id",((first_event_at AT TIME ZONE 'UTC')::date));
--> statement-breakpoint
CREATE INDEX "session_by_first_day" ON "session" USING btree (((first_event_at AT TIME ZONE 'UTC')::date));
--> statement-breakpoint

-- By hand, from here on.
ALTER TABLE model_price
  ADD CONSTRAINT model_price_usage_type CHECK (usage_type IN
    ('llm_usage', 'tts_usage', 'stt_usage', 'interruption_usage', 'eot_usage')),
  ADD CONSTRAINT model_price_dimension CHECK (dimension IN (
    'input_tokens',
    'input_cached_tokens',
    'input_cache_creation_tokens',
    'input_audio_tokens',
    'input_cached_audio_tokens',
    'input_text_tokens',
    'input_cached_text_tokens',
    'input_image_tokens',
    'input_cached_image_tokens',
    'output_tokens',
    'output_audio_tokens',
    'output_text_tokens',
    'output_image_tokens',
    'output_reasoning_tokens',
    'session_duration',
    'characters_count',
    'audio_duration',
    'total_requests')),
  -- NaN is greater than every number.
  ADD CONSTRAINT model_price_unit_price CHECK (unit_price >= 0 AND unit_price < 'Infinity'),
  ADD CONSTRAINT model_price_per CHECK (per > 0 AND per < 'Infinity'),
  ADD CONSTRAINT model_price_currency CHECK (currency ~ '^[A-Z]{3}$'),
  ADD CONSTRAINT model_price_valid CHECK (valid_to > valid_from);
--> statement-breakpoint

-- Equality in an exclusion constraint would take the extension btree_gist, and the right to create it in
-- the database. A range of texts has the operators by itself: [a,a] overlaps [b,b] if a = b.
CREATE TYPE exact_text_range AS RANGE (subtype = text, collation = "C");
--> statement-breakpoint

ALTER TABLE model_price ADD CONSTRAINT model_price_one_at_a_time EXCLUDE USING gist (
  exact_text_range(usage_type, usage_type, '[]') WITH &&,
  exact_text_range(provider, provider, '[]') WITH &&,
  exact_text_range(model, model, '[]') WITH &&,
  exact_text_range(dimension, dimension, '[]') WITH &&,
  exact_text_range(currency::text, currency::text, '[]') WITH &&,
  tstzrange(valid_from, valid_to) WITH &&
);
--> statement-breakpoint

-- A correction did not extend the time of its session.
UPDATE session AS known SET
  first_event_at = least(known.first_event_at, billed.first_event_at),
  last_event_at = greatest(known.last_event_at, billed.last_event_at)
FROM (
  SELECT session_id, min(first_event_at) AS first_event_at, max(last_event_at) AS last_event_at
  FROM session_model_usage GROUP BY session_id
) AS billed
WHERE billed.session_id = known.session_id
  AND (billed.first_event_at < known.first_event_at OR billed.last_event_at > known.last_event_at);
--> statement-breakpoint

-- Keeps session_day, at the end of each transaction that wrote to a session of several days: from the
-- pages of this transaction, which have the session's new revision. A trigger, since the worker of the
-- earlier build may still run. It looks up names in the schema of its table.
CREATE FUNCTION keep_session_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'INSERT INTO %1$I.session_day (session_id, day)
      SELECT DISTINCT $1, (''epoch''::timestamp + event.us * interval ''1 microsecond'')::date
      FROM %1$I.ledger_page AS page CROSS JOIN LATERAL unnest(page.event_us) AS event (us)
      WHERE page.session_id = $1 AND page.period = $2 AND page.revision = $3
      ON CONFLICT DO NOTHING', TG_TABLE_SCHEMA)
    USING NEW.session_id, NEW.period, NEW.revision;
  -- Of one day until now: that day has had no row.
  IF TG_OP = 'UPDATE' AND (OLD.first_event_at AT TIME ZONE 'UTC')::date
      = (OLD.last_event_at AT TIME ZONE 'UTC')::date THEN
    EXECUTE format(
      'INSERT INTO %I.session_day (session_id, day) VALUES ($1, $2) ON CONFLICT DO NOTHING',
      TG_TABLE_SCHEMA)
      USING OLD.session_id, (OLD.first_event_at AT TIME ZONE 'UTC')::date;
  END IF;
  RETURN NULL;
END
$$;
--> statement-breakpoint

CREATE CONSTRAINT TRIGGER session_days AFTER INSERT OR UPDATE ON session
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN ((NEW.first_event_at AT TIME ZONE 'UTC')::date <> (NEW.last_event_at AT TIME ZONE 'UTC')::date)
EXECUTE FUNCTION keep_session_days();
--> statement-breakpoint

INSERT INTO session_day (session_id, day)
SELECT DISTINCT page.session_id, ('epoch'::timestamp + event.us * interval '1 microsecond')::date
FROM session AS known
JOIN ledger_page AS page ON page.session_id = known.session_id AND page.period = known.period
CROSS JOIN LATERAL unnest(page.event_us) AS event (us)
WHERE (known.first_event_at AT TIME ZONE 'UTC')::date <> (known.last_event_at AT TIME ZONE 'UTC')::date;
--> statement-breakpoint

-- The usage of a day, by session: from the sums of a session that lies within the day, else from the
-- ledger.
CREATE VIEW session_daily_usage AS
SELECT
  known.session_id,
  known.account_id,
  (known.first_event_at AT TIME ZONE 'UTC')::date AS day,
  billed.usage_type,
  billed.provider,
  billed.model,
  billed.input_tokens,
  billed.input_cached_tokens,
  billed.input_cache_creation_tokens,
  billed.input_audio_tokens,
  billed.input_cached_audio_tokens,
  billed.input_text_tokens,
  billed.input_cached_text_tokens,
  billed.input_image_tokens,
  billed.input_cached_image_tokens,
  billed.output_tokens,
  billed.output_audio_tokens,
  billed.output_text_tokens,
  billed.output_image_tokens,
  billed.output_reasoning_tokens,
  billed.session_duration,
  billed.characters_count,
  billed.audio_duration,
  billed.total_requests,
  billed.event_count
FROM session AS known
JOIN session_model_usage AS billed ON billed.session_id = known.session_id
WHERE (known.first_event_at AT TIME ZONE 'UTC')::date = (known.last_event_at AT TIME ZONE 'UTC')::date
UNION ALL
SELECT
  known.session_id,
  known.account_id,
  part.day,
  entry.usage_type,
  entry.provider,
  entry.model,
  entry.input_tokens,
  entry.input_cached_tokens,
  entry.input_cache_creation_tokens,
  entry.input_audio_tokens,
  entry.input_cached_audio_tokens,
  entry.input_text_tokens,
  entry.input_cached_text_tokens,
  entry.input_image_tokens,
  entry.input_cached_image_tokens,
  entry.output_tokens,
  entry.output_audio_tokens,
  entry.output_text_tokens,
  entry.output_image_tokens,
  entry.output_reasoning_tokens,
  entry.session_duration,
  entry.characters_count,
  entry.audio_duration,
  entry.total_requests,
  (NOT entry.is_correction)::integer::bigint
FROM session_day AS part
JOIN session AS known ON known.session_id = part.session_id
JOIN ledger_entry AS entry ON entry.session_id = part.session_id
  AND (entry.event_at AT TIME ZONE 'UTC')::date = part.day
WHERE (known.first_event_at AT TIME ZONE 'UTC')::date <> (known.last_event_at AT TIME ZONE 'UTC')::date;
--> statement-breakpoint

CREATE VIEW account_daily_usage AS
SELECT
  account_id,
  day,
  usage_type,
  provider,
  model,
  sum(input_tokens) AS input_tokens,
  sum(input_cached_tokens) AS input_cached_tokens,
  sum(input_cache_creation_tokens) AS input_cache_creation_tokens,
  sum(input_audio_tokens) AS input_audio_tokens,
  sum(input_cached_audio_tokens) AS input_cached_audio_tokens,
  sum(input_text_tokens) AS input_text_tokens,
  sum(input_cached_text_tokens) AS input_cached_text_tokens,
  sum(input_image_tokens) AS input_image_tokens,
  sum(input_cached_image_tokens) AS input_cached_image_tokens,
  sum(output_tokens) AS output_tokens,
  sum(output_audio_tokens) AS output_audio_tokens,
  sum(output_text_tokens) AS output_text_tokens,
  sum(output_image_tokens) AS output_image_tokens,
  sum(output_reasoning_tokens) AS output_reasoning_tokens,
  trim_scale(sum(session_duration)) AS session_duration,
  sum(characters_count) AS characters_count,
  trim_scale(sum(audio_duration)) AS audio_duration,
  sum(total_requests) AS total_requests,
  sum(event_count) AS event_count
FROM session_daily_usage
GROUP BY account_id, day, usage_type, provider, model;
--> statement-breakpoint

-- The parts of a usage, in the order of usage_part.
CREATE FUNCTION usage_parts(
  input_tokens numeric,
  input_cached_tokens numeric,
  input_cache_creation_tokens numeric,
  input_audio_tokens numeric,
  input_cached_audio_tokens numeric,
  input_text_tokens numeric,
  input_cached_text_tokens numeric,
  input_image_tokens numeric,
  input_cached_image_tokens numeric,
  output_tokens numeric,
  output_audio_tokens numeric,
  output_text_tokens numeric,
  output_image_tokens numeric,
  output_reasoning_tokens numeric,
  session_duration numeric,
  characters_count numeric,
  audio_duration numeric,
  total_requests numeric
) RETURNS numeric[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN ARRAY[
  greatest(input_cached_audio_tokens, 0),
  greatest(input_cached_text_tokens, 0),
  greatest(input_cached_image_tokens, 0),
  greatest(input_cached_tokens - greatest(input_cached_audio_tokens, 0)
    - greatest(input_cached_text_tokens, 0) - greatest(input_cached_image_tokens, 0), 0),
  greatest(input_cache_creation_tokens, 0),
  greatest(input_audio_tokens - greatest(input_cached_audio_tokens, 0), 0),
  greatest(input_text_tokens - greatest(input_cached_text_tokens, 0), 0),
  greatest(input_image_tokens - greatest(input_cached_image_tokens, 0), 0),
  greatest(input_tokens
    -- what is cached, whichever of the two ways it is counted in is more
    - greatest(input_cached_tokens, greatest(input_cached_audio_tokens, 0)
      + greatest(input_cached_text_tokens, 0) + greatest(input_cached_image_tokens, 0))
    - greatest(input_cache_creation_tokens, 0)
    - greatest(input_audio_tokens - greatest(input_cached_audio_tokens, 0), 0)
    - greatest(input_text_tokens - greatest(input_cached_text_tokens, 0), 0)
    - greatest(input_image_tokens - greatest(input_cached_image_tokens, 0), 0), 0),
  greatest(output_audio_tokens, 0),
  greatest(output_text_tokens, 0),
  greatest(output_image_tokens, 0),
  greatest(output_reasoning_tokens, 0),
  greatest(output_tokens - greatest(output_audio_tokens, 0) - greatest(output_text_tokens, 0)
    - greatest(output_image_tokens, 0) - greatest(output_reasoning_tokens, 0), 0),
  session_duration,
  characters_count,
  audio_duration,
  total_requests
];
--> statement-breakpoint

-- The parts that a usage is priced in, and the dimensions whose price each takes: the first that has one.
CREATE VIEW usage_part AS
SELECT part, dimension, takes FROM (VALUES
  (1, 'input_cached_audio_tokens', ARRAY['input_cached_audio_tokens', 'input_cached_tokens', 'input_audio_tokens', 'input_tokens']),
  (2, 'input_cached_text_tokens', ARRAY['input_cached_text_tokens', 'input_cached_tokens', 'input_text_tokens', 'input_tokens']),
  (3, 'input_cached_image_tokens', ARRAY['input_cached_image_tokens', 'input_cached_tokens', 'input_image_tokens', 'input_tokens']),
  (4, 'input_cached_tokens', ARRAY['input_cached_tokens', 'input_tokens']),
  (5, 'input_cache_creation_tokens', ARRAY['input_cache_creation_tokens', 'input_tokens']),
  (6, 'input_audio_tokens', ARRAY['input_audio_tokens', 'input_tokens']),
  (7, 'input_text_tokens', ARRAY['input_text_tokens', 'input_tokens']),
  (8, 'input_image_tokens', ARRAY['input_image_tokens', 'input_tokens']),
  (9, 'input_tokens', ARRAY['input_tokens']),
  (10, 'output_audio_tokens', ARRAY['output_audio_tokens', 'output_tokens']),
  (11, 'output_text_tokens', ARRAY['output_text_tokens', 'output_tokens']),
  (12, 'output_image_tokens', ARRAY['output_image_tokens', 'output_tokens']),
  (13, 'output_reasoning_tokens', ARRAY['output_reasoning_tokens', 'output_tokens']),
  (14, 'output_tokens', ARRAY['output_tokens']),
  (15, 'session_duration', ARRAY['session_duration']),
  (16, 'characters_count', ARRAY['characters_count']),
  (17, 'audio_duration', ARRAY['audio_duration']),
  (18, 'total_requests', ARRAY['total_requests'])
) AS rule (part, dimension, takes);
--> statement-breakpoint

-- quantity × unit price ÷ per to 30 decimal places. The zeros give the division that many and ten more.
CREATE FUNCTION part_cost(quantity numeric, unit_price numeric, per numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round((quantity * unit_price + 0.0000000000000000000000000000000000000000) / per, 30);
--> statement-breakpoint

-- The prices of each kind of usage, from one change of a price to the next: a row for each currency, with
-- an array element for each part that has a price in it. The row without a currency has the parts that
-- have no price in any.
--
-- A function, so that it is computed once for a query, and expected to have more than a few rows: the
-- planner joins with it by hash. With the rights of the owner: who reads costs need not read the names.
CREATE FUNCTION price_periods() RETURNS TABLE (
  usage_type text, provider text, model text, valid_from timestamptz, valid_to timestamptz,
  currency char(3), parts integer[], dimensions text[], unit_prices numeric[], pers numeric[],
  price_ids bigint[]
)
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 5000 SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
  WITH used AS MATERIALIZED (
    SELECT row_number() OVER () AS kind, usage_type, provider, model
    FROM (
      SELECT CASE metric_type
        WHEN 'llm_metrics' THEN 'llm_usage'
        WHEN 'realtime_model_metrics' THEN 'llm_usage'
        WHEN 'tts_metrics' THEN 'tts_usage'
        WHEN 'stt_metrics' THEN 'stt_usage'
        WHEN 'interruption_metrics' THEN 'interruption_usage'
        WHEN 'eot_inference_metrics' THEN 'eot_usage'
      END COLLATE "C" AS usage_type, provider, model
      FROM usage_source
      UNION
      SELECT usage_type, provider, model FROM model_price WHERE position('*' IN model) = 0
    ) AS name
  ), matching AS MATERIALIZED (
    SELECT used.kind, price.dimension, price.unit_price, price.per, price.currency, price.valid_from,
      coalesce(price.valid_to, 'infinity') AS valid_to, price.price_id,
      row_number() OVER (PARTITION BY used.kind
        ORDER BY price.model = used.model DESC, length(price.model) DESC, price.model) AS precedence
    FROM used
    JOIN model_price AS price ON price.usage_type = used.usage_type AND price.provider = used.provider
      AND used.model LIKE replace(replace(replace(replace(
        price.model, E'\\', E'\\\\'), '%', E'\\%'), '_', E'\\_'), '*', '%')
  ), period AS MATERIALIZED (
    SELECT kind, at AS valid_from, lead(at, 1, 'infinity') OVER (PARTITION BY kind ORDER BY at) AS valid_to
    FROM (
      SELECT kind, '-infinity'::timestamptz AS at FROM used
      UNION SELECT kind, valid_from FROM matching
      UNION SELECT kind, valid_to FROM matching WHERE valid_to < 'infinity'
    ) AS change
  ), chosen AS MATERIALIZED (
    SELECT DISTINCT ON (period.kind, period.valid_from, price.currency, rule.part)
      period.kind, period.valid_from, period.valid_to, price.currency, rule.part,
      price.dimension, price.unit_price, price.per, price.price_id
    FROM period
    JOIN matching AS price ON price.kind = period.kind
      AND price.valid_from <= period.valid_from AND price.valid_to > period.valid_from
    JOIN (
      SELECT part, taken.dimension, taken.preference
      FROM usage_part CROSS JOIN LATERAL unnest(takes) WITH ORDINALITY AS taken (dimension, preference)
    ) AS rule ON rule.dimension = price.dimension
    ORDER BY period.kind, period.valid_from, price.currency, rule.part, rule.preference, price.precedence
  )
  SELECT used.usage_type, used.provider, used.model, list.valid_from, list.valid_to, list.currency,
    list.parts, list.dimensions, list.unit_prices, list.pers, list.price_ids
  FROM used
  JOIN (
    SELECT kind, valid_from, valid_to, currency,
      array_agg(part ORDER BY part) AS parts,
      array_agg(dimension ORDER BY part) AS dimensions,
      array_agg(unit_price ORDER BY part) AS unit_prices,
      array_agg(per ORDER BY part) AS pers,
      array_agg(price_id ORDER BY part) AS price_ids
    FROM chosen
    GROUP BY kind, valid_from, valid_to, currency
  ) AS list ON list.kind = used.kind
  UNION ALL
  SELECT used.usage_type, used.provider, used.model, list.valid_from, list.valid_to, NULL,
    list.parts, list.dimensions, NULL, NULL, NULL
  FROM used
  JOIN (
    SELECT period.kind, period.valid_from, period.valid_to,
      array_agg(rule.part ORDER BY rule.part) AS parts,
      array_agg(rule.dimension ORDER BY rule.part) AS dimensions
    FROM period
    CROSS JOIN usage_part AS rule
    LEFT JOIN (SELECT DISTINCT kind, valid_from, part FROM chosen) AS priced
      ON priced.kind = period.kind AND priced.valid_from = period.valid_from AND priced.part = rule.part
    WHERE priced.part IS NULL
    GROUP BY period.kind, period.valid_from, period.valid_to
  ) AS list ON list.kind = used.kind;
END;
--> statement-breakpoint
CREATE VIEW price_period AS
SELECT usage_type COLLATE "C" AS usage_type, provider COLLATE "C" AS provider,
  model COLLATE "C" AS model, valid_from, valid_to, currency, parts, dimensions, unit_prices, pers,
  price_ids
FROM price_periods();
--> statement-breakpoint

-- Sessions whose usage is taken from the ledger, with their days: a session of several days, and one in
-- which a price changes.
CREATE VIEW divided_session AS
SELECT known.session_id, known.account_id, part.day, true AS is_over_midnight
FROM session_day AS part
JOIN session AS known ON known.session_id = part.session_id
WHERE (known.first_event_at AT TIME ZONE 'UTC')::date <> (known.last_event_at AT TIME ZONE 'UTC')::date
UNION ALL
SELECT known.session_id, known.account_id, (known.first_event_at AT TIME ZONE 'UTC')::date, false
FROM (
  SELECT valid_from AS at FROM model_price
  UNION SELECT valid_to FROM model_price WHERE valid_to IS NOT NULL
) AS change
JOIN session AS known
  ON (known.first_event_at AT TIME ZONE 'UTC')::date = (change.at AT TIME ZONE 'UTC')::date
  AND known.first_event_at < change.at AND known.last_event_at >= change.at
WHERE (known.first_event_at AT TIME ZONE 'UTC')::date = (known.last_event_at AT TIME ZONE 'UTC')::date
GROUP BY known.session_id, known.account_id, (known.first_event_at AT TIME ZONE 'UTC')::date;
--> statement-breakpoint

-- What is priced: parts of sums of one session and kind of usage under one set of prices. Sums up to the
-- end of a day count once, and those up to its beginning count -1: what the parts of a session come to
-- is divided among its days without a remainder, although a part is never less than zero.
CREATE VIEW priced_usage AS
SELECT
  known.session_id,
  known.account_id,
  (known.first_event_at AT TIME ZONE 'UTC')::date AS day,
  billed.usage_type,
  billed.provider,
  billed.model,
  price.currency,
  1 AS sign,
  usage_parts(
    billed.input_tokens,
    billed.input_cached_tokens,
    billed.input_cache_creation_tokens,
    billed.input_audio_tokens,
    billed.input_cached_audio_tokens,
    billed.input_text_tokens,
    billed.input_cached_text_tokens,
    billed.input_image_tokens,
    billed.input_cached_image_tokens,
    billed.output_tokens,
    billed.output_audio_tokens,
    billed.output_text_tokens,
    billed.output_image_tokens,
    billed.output_reasoning_tokens,
    billed.session_duration,
    billed.characters_count,
    billed.audio_duration,
    billed.total_requests
  ) AS quantities,
  price.parts,
  price.dimensions,
  price.unit_prices,
  price.pers
FROM session AS known
JOIN session_model_usage AS billed ON billed.session_id = known.session_id
JOIN price_period AS price ON price.usage_type = billed.usage_type
  AND price.provider = billed.provider AND price.model = billed.model
  AND price.valid_from <= billed.first_event_at AND billed.last_event_at < price.valid_to
WHERE (known.first_event_at AT TIME ZONE 'UTC')::date = (known.last_event_at AT TIME ZONE 'UTC')::date
UNION ALL
SELECT
  divided.session_id,
  divided.account_id,
  divided.day,
  entry.usage_type,
  entry.provider,
  entry.model,
  price.currency,
  until.sign,
  usage_parts(
    sum(entry.input_tokens),
    sum(entry.input_cached_tokens),
    sum(entry.input_cache_creation_tokens),
    sum(entry.input_audio_tokens),
    sum(entry.input_cached_audio_tokens),
    sum(entry.input_text_tokens),
    sum(entry.input_cached_text_tokens),
    sum(entry.input_image_tokens),
    sum(entry.input_cached_image_tokens),
    sum(entry.output_tokens),
    sum(entry.output_audio_tokens),
    sum(entry.output_text_tokens),
    sum(entry.output_image_tokens),
    sum(entry.output_reasoning_tokens),
    sum(entry.session_duration),
    sum(entry.characters_count),
    sum(entry.audio_duration),
    sum(entry.total_requests)
  ),
  price.parts,
  price.dimensions,
  price.unit_prices,
  price.pers
FROM divided_session AS divided
CROSS JOIN LATERAL (VALUES (1, divided.day), (-1, divided.day - 1)) AS until (sign, day)
CROSS JOIN LATERAL (
  SELECT entry.*, billed.first_event_at, billed.last_event_at
  FROM ledger_entry AS entry
  JOIN session_model_usage AS billed ON billed.session_id = entry.session_id
    AND billed.usage_type = entry.usage_type AND billed.provider = entry.provider
    AND billed.model = entry.model
  WHERE entry.session_id = divided.session_id
    AND (entry.event_at AT TIME ZONE 'UTC')::date <= until.day
  -- So that the planner reads the ledger session by session, before it joins with prices.
  OFFSET 0
) AS entry
JOIN price_period AS price ON price.usage_type = entry.usage_type
  AND price.provider = entry.provider AND price.model = entry.model
  AND price.valid_from <= entry.event_at AND entry.event_at < price.valid_to
  AND (divided.is_over_midnight
    OR price.valid_from > entry.first_event_at OR entry.last_event_at >= price.valid_to)
GROUP BY divided.session_id, divided.account_id, divided.day, entry.usage_type, entry.provider,
  entry.model, price.currency, until.sign, price.parts, price.dimensions, price.unit_prices, price.pers;
--> statement-breakpoint

CREATE VIEW session_cost AS
SELECT usage.session_id, usage.account_id, usage.usage_type, usage.provider, usage.model,
  price.dimension,
  trim_scale(sum(usage.sign * usage.quantities[price.part])) AS quantity,
  price.unit_price, price.per, usage.currency,
  trim_scale(sum(usage.sign * part_cost(usage.quantities[price.part], price.unit_price, price.per)))
    AS cost
FROM priced_usage AS usage
CROSS JOIN LATERAL unnest(usage.parts, usage.dimensions, usage.unit_prices, usage.pers)
  AS price (part, dimension, unit_price, per)
WHERE usage.currency IS NOT NULL AND usage.quantities[price.part] <> 0
GROUP BY usage.session_id, usage.account_id, usage.usage_type, usage.provider, usage.model,
  price.dimension, price.unit_price, price.per, usage.currency
HAVING sum(usage.sign * usage.quantities[price.part]) <> 0;
--> statement-breakpoint

-- The same for each day of a session.
CREATE VIEW session_daily_cost AS
SELECT usage.session_id, usage.account_id, usage.day, usage.usage_type, usage.provider, usage.model,
  price.dimension,
  trim_scale(sum(usage.sign * usage.quantities[price.part])) AS quantity,
  price.unit_price, price.per, usage.currency,
  trim_scale(sum(usage.sign * part_cost(usage.quantities[price.part], price.unit_price, price.per)))
    AS cost
FROM priced_usage AS usage
CROSS JOIN LATERAL unnest(usage.parts, usage.dimensions, usage.unit_prices, usage.pers)
  AS price (part, dimension, unit_price, per)
WHERE usage.currency IS NOT NULL AND usage.quantities[price.part] <> 0
GROUP BY usage.session_id, usage.account_id, usage.day, usage.usage_type, usage.provider, usage.model,
  price.dimension, price.unit_price, price.per, usage.currency
HAVING sum(usage.sign * usage.quantities[price.part]) <> 0;
--> statement-breakpoint

CREATE VIEW account_daily_cost AS
SELECT usage.account_id, usage.day, usage.usage_type, usage.provider, usage.model, usage.currency,
  trim_scale(sum(usage.sign * sums.cost)) AS cost
FROM priced_usage AS usage
CROSS JOIN LATERAL (
  SELECT sum(part_cost(usage.quantities[price.part], price.unit_price, price.per)) AS cost,
    sum(usage.quantities[price.part]) AS quantity
  FROM unnest(usage.parts, usage.unit_prices, usage.pers) AS price (part, unit_price, per)
  WHERE usage.quantities[price.part] <> 0
) AS sums
WHERE usage.currency IS NOT NULL AND sums.cost IS NOT NULL
GROUP BY usage.account_id, usage.day, usage.usage_type, usage.provider, usage.model, usage.currency
-- Of a call over midnight, what was used on the day before only.
HAVING sum(usage.sign * sums.quantity) <> 0 OR sum(usage.sign * sums.cost) <> 0;
--> statement-breakpoint

CREATE VIEW unpriced_usage AS
SELECT usage.session_id, usage.usage_type, usage.provider, usage.model, price.dimension,
  trim_scale(sum(usage.sign * usage.quantities[price.part])) AS quantity
FROM priced_usage AS usage
CROSS JOIN LATERAL unnest(usage.parts, usage.dimensions) AS price (part, dimension)
WHERE usage.currency IS NULL AND usage.quantities[price.part] <> 0
GROUP BY usage.session_id, usage.usage_type, usage.provider, usage.model, price.dimension
HAVING sum(usage.sign * usage.quantities[price.part]) <> 0;
--> statement-breakpoint

-- Whoever writes sessions writes their days, also where other roles were granted that by hand.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid = 'session'::regclass AND acl.grantee <> pg_class.relowner
      AND acl.privilege_type = 'INSERT'
  LOOP
    EXECUTE format('GRANT SELECT, INSERT ON session_day TO %s', entry.grantee);
  END LOOP;
END
$$;
--> statement-breakpoint
DO $$
BEGIN
  GRANT SELECT, INSERT, UPDATE ON model_price, session_day TO usage_ledger_writer;
  GRANT SELECT ON session_daily_usage, account_daily_usage, usage_part, price_period, divided_session,
    priced_usage, session_cost, session_daily_cost, account_daily_cost, unpriced_usage
  TO usage_ledger_writer;
  GRANT EXECUTE ON FUNCTION usage_parts, part_cost, price_periods
  TO usage_ledger_writer, usage_ledger_reader;
  GRANT SELECT ON model_price, session_daily_usage, account_daily_usage, usage_part, session_cost,
    session_daily_cost, account_daily_cost, unpriced_usage
  TO usage_ledger_reader;
EXCEPTION WHEN insufficient_privilege OR undefined_object THEN
  RAISE WARNING 'usage_ledger_writer and usage_ledger_reader were not granted the prices and costs: %',
    SQLERRM;
END
$$;
--> statement-breakpoint

-- What each is, for those who read the schema.
COMMENT ON TYPE exact_text_range IS 'A range of texts, compared byte by byte: makes equality an exclusion constraint.';
--> statement-breakpoint
COMMENT ON FUNCTION usage_parts IS 'The parts of a usage, in the order of usage_part.';
--> statement-breakpoint
COMMENT ON FUNCTION part_cost IS 'quantity × unit price ÷ per, to 30 decimal places.';
--> statement-breakpoint
COMMENT ON TABLE model_price IS 'What usage costs: one price at a time for a usage type, provider, model, dimension and currency.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.provider IS 'Provider, exactly as the agent names it.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.model IS 'Model, exactly as the agent names it, or a pattern in which * stands for any text. An exact model wins over a pattern, a longer pattern over a shorter one, and of two as long the one that comes first byte by byte.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.dimension IS 'The usage column that is priced.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.unit_price IS 'In the currency: what `per` of the dimension costs.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.per IS 'The quantity that unit_price buys, such as 1000000 tokens or 60 seconds.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.currency IS 'ISO 4217 code of the currency.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.valid_from IS 'The price applies to events at or after this time.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.valid_to IS 'The price applies to events before this time; null: no end.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.price_id IS 'Number of the row.';
--> statement-breakpoint
COMMENT ON COLUMN model_price.recorded_at IS 'When the row was written.';
--> statement-breakpoint
COMMENT ON TABLE session_day IS 'The days of sessions that have events on more than one UTC day; a session of one day has no row.';
--> statement-breakpoint
COMMENT ON COLUMN session_day.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN session_day.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON VIEW session_daily_usage IS 'Usage for each day of a session. Several rows may have the same session, day, usage type, provider and model: sum them.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_tokens IS 'Tokens; all of the input, those of the other input columns included.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_cached_tokens IS 'Tokens; the part of input_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_cache_creation_tokens IS 'Tokens; the part of input_tokens that was written to a cache.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_audio_tokens IS 'Tokens; the part of input_tokens that is audio, cached or not.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_cached_audio_tokens IS 'Tokens; the part of input_audio_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_text_tokens IS 'Tokens; the part of input_tokens that is text, cached or not.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_cached_text_tokens IS 'Tokens; the part of input_text_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_image_tokens IS 'Tokens; the part of input_tokens that is images, cached or not.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.input_cached_image_tokens IS 'Tokens; the part of input_image_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.output_tokens IS 'Tokens; all of the output, those of the other output columns included.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.output_audio_tokens IS 'Tokens; the part of output_tokens that is audio.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.output_text_tokens IS 'Tokens; the part of output_tokens that is text.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.output_image_tokens IS 'Tokens; the part of output_tokens that is images.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.output_reasoning_tokens IS 'Tokens; the part of output_tokens that is reasoning.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.session_duration IS 'Seconds, an exact decimal: how long connections to a realtime model were open.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.characters_count IS 'Characters that were synthesized.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.audio_duration IS 'Seconds, an exact decimal: audio that was synthesized or transcribed.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.total_requests IS 'Requests to interruption or end-of-turn detection.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_usage.event_count IS 'Events; a correction is none.';
--> statement-breakpoint
COMMENT ON VIEW account_daily_usage IS 'Usage of each account for each UTC day, by usage type, provider and model.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_tokens IS 'Tokens; all of the input, those of the other input columns included.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_cached_tokens IS 'Tokens; the part of input_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_cache_creation_tokens IS 'Tokens; the part of input_tokens that was written to a cache.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_audio_tokens IS 'Tokens; the part of input_tokens that is audio, cached or not.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_cached_audio_tokens IS 'Tokens; the part of input_audio_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_text_tokens IS 'Tokens; the part of input_tokens that is text, cached or not.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_cached_text_tokens IS 'Tokens; the part of input_text_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_image_tokens IS 'Tokens; the part of input_tokens that is images, cached or not.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.input_cached_image_tokens IS 'Tokens; the part of input_image_tokens that was read from a cache.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.output_tokens IS 'Tokens; all of the output, those of the other output columns included.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.output_audio_tokens IS 'Tokens; the part of output_tokens that is audio.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.output_text_tokens IS 'Tokens; the part of output_tokens that is text.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.output_image_tokens IS 'Tokens; the part of output_tokens that is images.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.output_reasoning_tokens IS 'Tokens; the part of output_tokens that is reasoning.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.session_duration IS 'Seconds, an exact decimal: how long connections to a realtime model were open.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.characters_count IS 'Characters that were synthesized.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.audio_duration IS 'Seconds, an exact decimal: audio that was synthesized or transcribed.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.total_requests IS 'Requests to interruption or end-of-turn detection.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_usage.event_count IS 'Events; a correction is none.';
--> statement-breakpoint
COMMENT ON VIEW usage_part IS 'The parts that a usage is priced in, without overlap, and the prices each takes.';
--> statement-breakpoint
COMMENT ON COLUMN usage_part.part IS 'Number of the part.';
--> statement-breakpoint
COMMENT ON COLUMN usage_part.dimension IS 'The part: this usage column without what is counted in a part of its own.';
--> statement-breakpoint
COMMENT ON COLUMN usage_part.takes IS 'Dimensions of prices; the part takes the first that has a price.';
--> statement-breakpoint
COMMENT ON VIEW price_period IS 'For each kind of usage in the ledger: the price of each part, from one change of a price to the next.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.valid_from IS 'The prices apply to events at or after this time.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.valid_to IS 'The prices apply to events before this time.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.currency IS 'ISO 4217 code of the currency; null: the row has the parts that have no price in any currency.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.parts IS 'Numbers of the parts, as in usage_part.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.dimensions IS 'For each part: the dimension of its price; without currency: the dimension of the part.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.unit_prices IS 'For each part: the price, in the currency.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.pers IS 'For each part: the quantity that the price buys.';
--> statement-breakpoint
COMMENT ON COLUMN price_period.price_ids IS 'For each part: the row of model_price.';
--> statement-breakpoint
COMMENT ON VIEW divided_session IS 'Sessions whose usage is priced from the ledger, with their days: those of several days, and those in which a price changes.';
--> statement-breakpoint
COMMENT ON COLUMN divided_session.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN divided_session.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN divided_session.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON COLUMN divided_session.is_over_midnight IS 'Whether the session has several days; else a price of one of its usages changes within it.';
--> statement-breakpoint
COMMENT ON VIEW priced_usage IS 'Usage with its prices. Each row counts with its sign; see usage_part for the quantities.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.currency IS 'ISO 4217 code of the currency; null: the row has the parts that have no price in any currency.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.sign IS '1: sums up to the end of the day. -1: sums up to its beginning, to be subtracted.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.quantities IS 'For each part of usage_part: tokens, characters, seconds or requests.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.parts IS 'Numbers of the parts that have a price.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.dimensions IS 'For each of these parts: the dimension of its price.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.unit_prices IS 'For each of these parts: the price, in the currency.';
--> statement-breakpoint
COMMENT ON COLUMN priced_usage.pers IS 'For each of these parts: the quantity that the price buys.';
--> statement-breakpoint
COMMENT ON VIEW session_cost IS 'Cost of each session, by usage type, provider, model and price. See docs/billing.md for the rule.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.dimension IS 'The usage column whose price was used.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.quantity IS 'How much was priced at this price, in the unit of the dimension: tokens, characters, seconds or requests.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.unit_price IS 'In the currency: what `per` of the dimension costs.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.per IS 'The quantity that unit_price buys, such as 1000000 tokens or 60 seconds.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.currency IS 'ISO 4217 code of the currency.';
--> statement-breakpoint
COMMENT ON COLUMN session_cost.cost IS 'In the currency: quantity × unit_price ÷ per to 30 decimal places, not rounded to the currency.';
--> statement-breakpoint
COMMENT ON VIEW session_daily_cost IS 'Cost of each session for each UTC day, by usage type, provider, model and price. The days of a session sum to its rows in session_cost, to the last digit.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.dimension IS 'The usage column whose price was used.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.quantity IS 'How much was priced at this price, in the unit of the dimension: tokens, characters, seconds or requests.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.unit_price IS 'In the currency: what `per` of the dimension costs.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.per IS 'The quantity that unit_price buys, such as 1000000 tokens or 60 seconds.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.currency IS 'ISO 4217 code of the currency.';
--> statement-breakpoint
COMMENT ON COLUMN session_daily_cost.cost IS 'In the currency: quantity × unit_price ÷ per to 30 decimal places, not rounded to the currency.';
--> statement-breakpoint
COMMENT ON VIEW account_daily_cost IS 'Cost of each account for each UTC day, by usage type, provider and model; sums to session_cost to the last digit.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.account_id IS 'The account of the session: the first that one of its events named; null: none did.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.day IS 'UTC day of the events, by their own time (event_at).';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.currency IS 'ISO 4217 code of the currency.';
--> statement-breakpoint
COMMENT ON COLUMN account_daily_cost.cost IS 'In the currency, not rounded to it.';
--> statement-breakpoint
COMMENT ON VIEW unpriced_usage IS 'Usage that has no price in any currency.';
--> statement-breakpoint
COMMENT ON COLUMN unpriced_usage.session_id IS 'The session: one call.';
--> statement-breakpoint
COMMENT ON COLUMN unpriced_usage.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN unpriced_usage.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN unpriced_usage.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN unpriced_usage.dimension IS 'The part of the usage: this usage column without what is counted in a part of its own.';
--> statement-breakpoint
COMMENT ON COLUMN unpriced_usage.quantity IS 'In the unit of the dimension: tokens, characters, seconds or requests.';
