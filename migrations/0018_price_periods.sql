-- Made by drizzle-kit from src/ledger/schema/tables.ts, up to the line that says so.
-- The prices of each kind of usage were computed for every query of costs, twice: 80 ms with 200 models and
-- 600 prices. They are kept in a table now.
CREATE TABLE "materialized_price_period" (
	"usage_type" text COLLATE "C" NOT NULL,
	"provider" text COLLATE "C" NOT NULL,
	"model" text COLLATE "C" NOT NULL,
	"valid_from" timestamp with time zone NOT NULL,
	"valid_to" timestamp with time zone NOT NULL,
	"currency" char(3),
	"parts" integer[] NOT NULL,
	"dimensions" text[] NOT NULL,
	"unit_prices" numeric[],
	"pers" numeric[],
	"price_ids" bigint[]
);
--> statement-breakpoint
CREATE UNIQUE INDEX "materialized_price_period_key" ON "materialized_price_period" USING btree ("usage_type","provider","model","valid_from",coalesce(currency, ''));
--> statement-breakpoint

-- By hand, from here on.
--
-- An index by an expression is no identity for a publication of all tables.
ALTER TABLE materialized_price_period REPLICA IDENTITY FULL;
--> statement-breakpoint

-- Functions with the rights of the owner name the schema, and look up other names in pg_catalog only.
--
-- Those of all names, or of the names that have none yet.
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.compute_price_periods(only_new boolean)
RETURNS SETOF %1$I.materialized_price_period
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
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
      FROM %1$I.usage_source
      UNION
      SELECT usage_type, provider, model FROM %1$I.model_price WHERE position('*' IN model) = 0
    ) AS name
    WHERE usage_type IS NOT NULL AND NOT (only_new AND EXISTS (
      SELECT FROM %1$I.materialized_price_period AS known
      WHERE known.usage_type = name.usage_type AND known.provider = name.provider
        AND known.model = name.model))
  ), priced AS MATERIALIZED (
    SELECT *, replace(replace(replace(replace(
      model, E'\\', E'\\\\'), '%%', E'\\%%'), '_', E'\\_'), '*', '%%') AS pattern
    FROM %1$I.model_price
  ), matching AS MATERIALIZED (
    SELECT used.kind, price.dimension, price.unit_price, price.per, price.currency, price.valid_from,
      coalesce(price.valid_to, 'infinity') AS valid_to, price.price_id,
      row_number() OVER (PARTITION BY used.kind
        ORDER BY price.model = used.model DESC, length(price.model) DESC, price.model) AS precedence
    FROM used
    JOIN priced AS price ON price.usage_type = used.usage_type AND price.provider = used.provider
      AND used.model LIKE price.pattern
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
      FROM %1$I.usage_part CROSS JOIN LATERAL unnest(takes) WITH ORDINALITY AS taken (dimension, preference)
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
    CROSS JOIN %1$I.usage_part AS rule
    LEFT JOIN (SELECT DISTINCT kind, valid_from, part FROM chosen) AS priced
      ON priced.kind = period.kind AND priced.valid_from = period.valid_from AND priced.part = rule.part
    WHERE priced.part IS NULL
    GROUP BY period.kind, period.valid_from, period.valid_to
  ) AS list ON list.kind = used.kind;
$body$
$create$, current_schema());
END
$outer$;
--> statement-breakpoint

-- After every change of a price: all of them again, one transaction after the other. Each sees what the one
-- before it committed, and so must not read an older snapshot.
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.materialize_price_periods() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'prices are changed in transactions that are READ COMMITTED, and this one is %%',
        upper(current_setting('transaction_isolation'))
      USING HINT = 'BEGIN ISOLATION LEVEL READ COMMITTED, or use usage-ledger prices import.';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('usage_ledger:price_period'));
  DELETE FROM %1$I.materialized_price_period;
  INSERT INTO %1$I.materialized_price_period SELECT * FROM %1$I.compute_price_periods(false);
  RETURN NULL;
END
$body$
$create$, current_schema());
END
$outer$;
--> statement-breakpoint

-- After a name came in: those that have none yet. Metering never waits for whoever changes prices: then,
-- they are computed for each query (new_price_periods) until the next name or price.
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.materialize_new_price_periods() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF current_setting('transaction_isolation') = 'read committed'
    AND pg_try_advisory_xact_lock(hashtext('usage_ledger:price_period'))
  THEN
    INSERT INTO %1$I.materialized_price_period SELECT * FROM %1$I.compute_price_periods(true);
  END IF;
  RETURN NULL;
END
$body$
$create$, current_schema());
END
$outer$;
--> statement-breakpoint
DO $outer$
BEGIN
  EXECUTE format($create$
CREATE FUNCTION %1$I.new_price_periods() RETURNS SETOF %1$I.materialized_price_period
LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER ROWS 1 SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF EXISTS (
    SELECT FROM %1$I.usage_source AS source
    WHERE NOT EXISTS (
      SELECT FROM %1$I.materialized_price_period AS known
      WHERE known.provider = source.provider AND known.model = source.model
        AND known.usage_type = CASE source.metric_type
          WHEN 'llm_metrics' THEN 'llm_usage'
          WHEN 'realtime_model_metrics' THEN 'llm_usage'
          WHEN 'tts_metrics' THEN 'tts_usage'
          WHEN 'stt_metrics' THEN 'stt_usage'
          WHEN 'interruption_metrics' THEN 'interruption_usage'
          WHEN 'eot_inference_metrics' THEN 'eot_usage'
        END)
  ) THEN
    RETURN QUERY SELECT * FROM %1$I.compute_price_periods(true);
  END IF;
END
$body$
$create$, current_schema());
END
$outer$;
--> statement-breakpoint
REVOKE EXECUTE ON FUNCTION compute_price_periods(boolean), materialize_price_periods(),
  materialize_new_price_periods() FROM PUBLIC;
--> statement-breakpoint
CREATE TRIGGER price_periods AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON model_price
  FOR EACH STATEMENT EXECUTE FUNCTION materialize_price_periods();
--> statement-breakpoint
CREATE TRIGGER price_periods AFTER INSERT ON usage_source
  FOR EACH STATEMENT EXECUTE FUNCTION materialize_new_price_periods();
--> statement-breakpoint
CREATE TRIGGER price_periods_of_no_names AFTER DELETE OR TRUNCATE ON usage_source
  FOR EACH STATEMENT EXECUTE FUNCTION materialize_price_periods();
--> statement-breakpoint
-- After the triggers, which wait for whoever is changing prices.
INSERT INTO materialized_price_period SELECT * FROM compute_price_periods(false);
--> statement-breakpoint
CREATE OR REPLACE VIEW price_period AS
SELECT usage_type, provider, model, valid_from, valid_to, currency::bpchar, parts, dimensions, unit_prices, pers,
  price_ids
FROM materialized_price_period
UNION ALL
SELECT usage_type, provider, model, valid_from, valid_to, currency::bpchar, parts, dimensions, unit_prices, pers,
  price_ids
FROM new_price_periods();
--> statement-breakpoint

-- Whoever may read costs; and readers the prices as they apply, for prices check.
DO $$
DECLARE
  entry record;
BEGIN
  FOR entry IN
    SELECT DISTINCT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
        AS grantee
    FROM pg_class, aclexplode(pg_class.relacl) AS acl
    WHERE pg_class.oid = 'session_cost'::regclass AND acl.grantee <> pg_class.relowner
      AND acl.privilege_type = 'SELECT'
    UNION
    SELECT CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END
    FROM pg_proc, aclexplode(pg_proc.proacl) AS acl
    WHERE pg_proc.oid = 'price_periods()'::regprocedure AND acl.grantee NOT IN (0, pg_proc.proowner)
  LOOP
    EXECUTE format('GRANT EXECUTE ON FUNCTION new_price_periods() TO %s', entry.grantee);
    EXECUTE format('GRANT SELECT ON price_period TO %s', entry.grantee);
    -- For verify.
    EXECUTE format('GRANT EXECUTE ON FUNCTION compute_price_periods(boolean) TO %s', entry.grantee);
  END LOOP;
END
$$;
--> statement-breakpoint
DROP FUNCTION price_periods();
--> statement-breakpoint
COMMENT ON TABLE materialized_price_period IS 'The rows of price_period, kept by triggers when prices or names of usage change; read price_period, which also has those of names that came in meanwhile.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.usage_type IS 'llm_usage, tts_usage, stt_usage, interruption_usage or eot_usage.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.provider IS 'Provider as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.model IS 'Model as the agent names it; empty: it named none.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.valid_from IS 'The prices apply to events at or after this time.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.valid_to IS 'The prices apply to events before this time.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.currency IS 'ISO 4217 code of the currency; null: the row has the parts that have no price in any currency.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.parts IS 'Numbers of the parts, as in usage_part.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.dimensions IS 'For each part: the dimension of its price; without currency: the dimension of the part.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.unit_prices IS 'For each part: the price, in the currency.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.pers IS 'For each part: the quantity that the price buys.';
--> statement-breakpoint
COMMENT ON COLUMN materialized_price_period.price_ids IS 'For each part: the row of model_price.';
