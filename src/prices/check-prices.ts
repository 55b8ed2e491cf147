import { type Database, readingSnapshot } from '../postgres/database.ts';
import type { PriceRow } from './stored-prices.ts';

/** Usage that has no price in any currency, of all sessions. */
export interface UnpricedRow {
  readonly usage_type: string;
  readonly provider: string;
  readonly model: string;
  readonly dimension: string;
  readonly quantity: string;
  readonly sessions: number;
  /** Sessions to look at first. */
  readonly first_session: string;
}

/** Two patterns as long as each other that match one model at one time; the first is used. */
export interface AmbiguousRow {
  readonly usage_type: string;
  readonly provider: string;
  readonly model: string;
  readonly dimension: string;
  readonly currency: string;
  readonly used: string;
  readonly ignored: string;
}

export interface PriceCheck {
  readonly unpriced: readonly UnpricedRow[];
  readonly ambiguous: readonly AmbiguousRow[];
  /** The last price of a key, that has ended. */
  readonly expired: readonly PriceRow[];
  /** Prices that no part of a model's usage takes, at any time that it was used. */
  readonly unused: readonly PriceRow[];
}

const ROW = `usage_type, provider, model, dimension, unit_price::text, per::text, currency,
  to_char(valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MSZ') AS valid_from,
  to_char(valid_to AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MSZ') AS valid_to`;

const UNPRICED = `
  SELECT usage_type, provider, model, dimension, sum(quantity)::text AS quantity,
    count(*)::integer AS sessions, min(session_id) AS first_session
  FROM unpriced_usage
  GROUP BY usage_type, provider, model, dimension
  ORDER BY usage_type, provider, model, dimension`;

const PATTERN = (name: string) => `replace(replace(replace(replace(${name}, E'\\\\', E'\\\\\\\\'),
  '%', E'\\\\%'), '_', E'\\\\_'), '*', '%')`;

const AMBIGUOUS = `
  SELECT DISTINCT one.usage_type, one.provider, source.model, one.dimension, one.currency,
    one.model AS used, other.model AS ignored
  FROM model_price AS one
  JOIN model_price AS other
    ON (other.usage_type, other.provider, other.dimension, other.currency)
      = (one.usage_type, one.provider, one.dimension, one.currency)
    AND length(other.model) = length(one.model) AND other.model > one.model
    AND tstzrange(other.valid_from, other.valid_to) && tstzrange(one.valid_from, one.valid_to)
  JOIN (
    SELECT DISTINCT usage_type, provider, model FROM session_model_usage
  ) AS source ON (source.usage_type, source.provider) = (one.usage_type, one.provider)
    AND source.model LIKE ${PATTERN('one.model')} AND source.model LIKE ${PATTERN('other.model')}
    AND source.model NOT IN (one.model, other.model)
  ORDER BY 1, 2, 3, 4, 5, 6, 7`;

const EXPIRED = `
  SELECT ${ROW} FROM model_price AS price
  WHERE valid_to <= now() AND NOT EXISTS (
    SELECT FROM model_price AS later
    WHERE (later.usage_type, later.provider, later.model, later.dimension, later.currency)
        = (price.usage_type, price.provider, price.model, price.dimension, price.currency)
      AND later.valid_from >= price.valid_to)
  ORDER BY price.usage_type, provider, model, dimension, currency, price.valid_from`;

const UNUSED = `
  WITH used AS (
    SELECT DISTINCT unnest(period.price_ids) AS price_id
    FROM price_period AS period
    JOIN (
      SELECT usage_type, provider, model, min(first_event_at) AS first_event_at,
        max(last_event_at) AS last_event_at
      FROM session_model_usage GROUP BY usage_type, provider, model
    ) AS usage USING (usage_type, provider, model)
    WHERE usage.last_event_at >= period.valid_from AND usage.first_event_at < period.valid_to
  )
  SELECT ${ROW} FROM model_price AS price
  WHERE price_id NOT IN (SELECT price_id FROM used WHERE price_id IS NOT NULL)
  ORDER BY price.usage_type, provider, model, dimension, currency, price.valid_from`;

/** Looks for usage without a price, and for prices that are not what they seem; in one snapshot. */
export async function checkPrices(database: Database): Promise<PriceCheck> {
  const connection = await readingSnapshot(database);
  try {
    const { rows: unpriced } = await connection.query<UnpricedRow>(UNPRICED);
    const { rows: ambiguous } = await connection.query<AmbiguousRow>(AMBIGUOUS);
    const { rows: expired } = await connection.query<PriceRow>(EXPIRED);
    const { rows: unused } = await connection.query<PriceRow>(UNUSED);
    await connection.query('COMMIT');
    return { unpriced, ambiguous, expired, unused };
  } finally {
    connection.release(true);
  }
}
