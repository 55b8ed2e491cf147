import { sql } from 'drizzle-orm';
import { statement } from '../postgres/statement.ts';

/** Of an account with very many calls. */
const LONG_MS = 3_600_000;

type PeriodOf = { accountId: string; from: string; to: string };

export interface WatermarkRow {
  topic: string;
  partition: number;
  applied_until: Date;
}

/** Partitions that are not applied up to the end of a day, in the order of how far they are. */
export const readLagging = statement<{ to: string }, WatermarkRow>(
  'read_lagging_watermarks',
  sql`SELECT topic, partition, applied_until FROM billing_watermark
    WHERE applied_until < (${sql.placeholder('to')}::date + 1)::timestamp AT TIME ZONE 'UTC'
    ORDER BY applied_until, topic, partition`,
);

export const countWatermarks = statement<Record<never, never>, { count: number }>(
  'count_watermarks',
  sql`SELECT count(*)::integer AS count FROM billing_watermark`,
);

/** One export at a time for an account. */
export const lockAccount = statement<{ accountId: string }>(
  'lock_account_for_export',
  sql`SELECT pg_advisory_xact_lock(hashtextextended('usage_ledger:export:' || ${sql.placeholder('accountId')}, 0))`,
);

export interface ExportRow {
  account_id: string;
  first_day: string;
  last_day: string;
  sequence: number;
  export_id: string;
  digest: string;
}

const exportColumns = sql`account_id, first_day::text, last_day::text, sequence, export_id, digest`;

export const findExport = statement<PeriodOf & { sequence: number }, ExportRow>(
  'find_export',
  sql`SELECT ${exportColumns} FROM invoice_export
    WHERE account_id = ${sql.placeholder('accountId')} AND first_day = ${sql.placeholder('from')}::date
      AND last_day = ${sql.placeholder('to')}::date AND sequence = ${sql.placeholder('sequence')}`,
);

export const findExportById = statement<{ exportId: string }, ExportRow>(
  'find_export_by_id',
  sql`SELECT ${exportColumns} FROM invoice_export WHERE export_id = ${sql.placeholder('exportId')}`,
);

/** What a line is a line of: the same key in two exports is the same usage at the same price. */
export interface LineKey {
  day: string;
  usage_type: string;
  provider: string;
  model: string;
  dimension: string;
  unit_price: string;
  per: string;
  currency: string;
}

export interface LineRow extends LineKey {
  line_id: string;
  quantity: string;
  cost: string;
  amount: string;
}

export const readLines = statement<{ exportId: string }, LineRow>(
  'read_invoice_lines',
  sql`SELECT line_id, day::text, usage_type, provider, model, dimension, quantity::text,
      unit_price::text, per::text, currency::text, cost::text, amount::text
    FROM invoice_line WHERE export_id = ${sql.placeholder('exportId')} ORDER BY line_number`,
);

export interface DueRow extends LineKey {
  quantity: string;
  cost: string;
  /** What the whole of the line comes to, exported or not: without the noise of parts that were rounded
   * to 30 decimals, each of which may be a third of something. */
  total_cost: string;
  /** The amounts of the line that are exported. */
  exported: string;
}

/** What the period comes to now, less what its exports before `sequence` have. */
export const readDue = statement<PeriodOf & { sequence: number }, DueRow>(
  'read_due_lines',
  sql`WITH wanted AS (
      SELECT day, usage_type, provider, model, dimension, unit_price, per, currency, quantity, cost,
        0 AS exported, cost AS total_cost
      FROM session_daily_cost
      WHERE account_id = ${sql.placeholder('accountId')}
        AND day BETWEEN ${sql.placeholder('from')}::date AND ${sql.placeholder('to')}::date
      UNION ALL
      SELECT line.day, line.usage_type, line.provider, line.model, line.dimension, line.unit_price,
        line.per, line.currency, -line.quantity, -line.cost, line.amount, 0
      FROM invoice_export AS export JOIN invoice_line AS line USING (export_id)
      WHERE export.account_id = ${sql.placeholder('accountId')}
        AND export.first_day = ${sql.placeholder('from')}::date
        AND export.last_day = ${sql.placeholder('to')}::date
        AND export.sequence < ${sql.placeholder('sequence')}
    )
    SELECT day::text, usage_type, provider, model, dimension, trim_scale(unit_price)::text AS unit_price,
      trim_scale(per)::text AS per, currency::text, trim_scale(sum(quantity))::text AS quantity,
      trim_scale(sum(cost))::text AS cost, round(sum(total_cost), 20)::text AS total_cost,
      sum(exported)::text AS exported
    FROM wanted
    GROUP BY wanted.day, wanted.usage_type, wanted.provider, wanted.model, wanted.dimension,
      trim_scale(wanted.unit_price), trim_scale(wanted.per), wanted.currency
    -- A cost of 1e-30 without a quantity is of rounding.
    HAVING sum(quantity) <> 0 OR round(sum(cost), 20) <> 0
    ORDER BY wanted.day, wanted.usage_type COLLATE "C", wanted.provider COLLATE "C",
      wanted.model COLLATE "C", wanted.dimension COLLATE "C", wanted.currency COLLATE "C",
      trim_scale(wanted.unit_price), trim_scale(wanted.per)`,
  LONG_MS,
);

export const insertExport = statement<
  PeriodOf & { sequence: number; exportId: string; lineCount: number; digest: string }
>(
  'insert_export',
  sql`INSERT INTO invoice_export
      (account_id, first_day, last_day, sequence, export_id, line_count, digest)
    VALUES (${sql.placeholder('accountId')}, ${sql.placeholder('from')}::date,
      ${sql.placeholder('to')}::date, ${sql.placeholder('sequence')}, ${sql.placeholder('exportId')},
      ${sql.placeholder('lineCount')}, ${sql.placeholder('digest')})`,
);

/** @param lines a JSON array of objects; numbers as text, which JSON would not keep exactly */
export const insertLines = statement<{ exportId: string; lines: string }>(
  'insert_invoice_lines',
  sql`INSERT INTO invoice_line (export_id, line_number, line_id, day, usage_type, provider, model,
      dimension, quantity, unit_price, per, currency, cost, amount)
    SELECT ${sql.placeholder('exportId')}, line.number, line_id, day::date, usage_type, provider, model,
      dimension, quantity::numeric, unit_price::numeric, per::numeric, currency, cost::numeric,
      amount::numeric
    FROM ROWS FROM (jsonb_to_recordset(${sql.placeholder('lines')}::jsonb) AS (
      line_id text, day text, usage_type text, provider text, model text, dimension text,
      quantity text, unit_price text, per text, currency text, cost text, amount text
    )) WITH ORDINALITY AS line (line_id, day, usage_type, provider, model, dimension, quantity,
      unit_price, per, currency, cost, amount, number)`,
  LONG_MS,
);

export interface UnpricedRow {
  usage_type: string;
  provider: string;
  model: string;
  dimension: string;
  sessions: number;
}

/**
 * Kinds of usage without a price, in sessions of the account that touch the period. An array, since the view
 * takes no join into its GROUP BY: it would price all sessions of the ledger.
 */
export const readUnpriced = statement<PeriodOf, UnpricedRow>(
  'read_unpriced_of_account',
  sql`SELECT usage_type, provider, model, dimension, count(*)::integer AS sessions
    FROM unpriced_usage WHERE session_id = ANY (ARRAY(
      SELECT session_id FROM session WHERE account_id = ${sql.placeholder('accountId')}
        AND (first_event_at AT TIME ZONE 'UTC')::date <= ${sql.placeholder('to')}::date
        AND (last_event_at AT TIME ZONE 'UTC')::date >= ${sql.placeholder('from')}::date))
    GROUP BY usage_type, provider, model, dimension
    ORDER BY usage_type, provider, model, dimension`,
  LONG_MS,
);

export interface OtherExportRow {
  export_id: string;
  first_day: string;
  last_day: string;
}

/** Other periods of the account that were invoiced and have days of this one. */
export const readOverlapping = statement<PeriodOf & { exportId: string }, OtherExportRow>(
  'read_overlapping_exports',
  sql`SELECT export_id, first_day::text, last_day::text FROM invoice_export
    WHERE account_id = ${sql.placeholder('accountId')} AND sequence = 0
      AND first_day <= ${sql.placeholder('to')}::date AND last_day >= ${sql.placeholder('from')}::date
      AND (first_day, last_day) <> (${sql.placeholder('from')}::date, ${sql.placeholder('to')}::date)
      AND export_id <> ${sql.placeholder('exportId')}
    ORDER BY first_day, last_day`,
);

/** The newest export of the same period, if it is not this one. */
export const readLaterExport = statement<{ exportId: string }, OtherExportRow>(
  'read_later_export',
  sql`SELECT later.export_id, later.first_day::text, later.last_day::text
    FROM invoice_export AS export
    JOIN invoice_export AS later USING (account_id, first_day, last_day)
    WHERE export.export_id = ${sql.placeholder('exportId')} AND later.sequence > export.sequence
    ORDER BY later.sequence DESC LIMIT 1`,
);

export interface OpenRow {
  conflicts: number;
  dead_letters: number;
}

/**
 * What is not decided and may belong to an invoice: conflicts in sessions of the account that touch the
 * period, and dead letters, of whatever account, with a Kafka time in it.
 */
export const countUndecided = statement<PeriodOf, OpenRow>(
  'count_undecided_of_period',
  sql`SELECT
    (SELECT count(*)::integer FROM open_conflict JOIN session USING (session_id)
      WHERE account_id = ${sql.placeholder('accountId')}
        AND (first_event_at AT TIME ZONE 'UTC')::date <= ${sql.placeholder('to')}::date
        AND (last_event_at AT TIME ZONE 'UTC')::date >= ${sql.placeholder('from')}::date) AS conflicts,
    (SELECT count(*)::integer FROM open_dead_letter
      WHERE (record_timestamp AT TIME ZONE 'UTC')::date
        BETWEEN ${sql.placeholder('from')}::date AND ${sql.placeholder('to')}::date) AS dead_letters`,
);
