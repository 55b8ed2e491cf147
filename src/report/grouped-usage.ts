import { USAGE_COLUMNS, type UsageColumn } from '../livekit/usage-columns.ts';
import { type Database, readingSnapshot } from '../postgres/database.ts';

/** What usage can be grouped by, and the columns of each group's key. */
export const GROUPINGS = {
  account: ['account_id'],
  model: ['usage_type', 'provider', 'model'],
  day: ['day'],
  session: ['session_id', 'account_id'],
} as const;
export type Grouping = keyof typeof GROUPINGS;

export interface UsageFilter {
  readonly account?: string | undefined;
  /** First day (UTC), such as `2026-11-01`. */
  readonly from?: string | undefined;
  /** Last day (UTC), included. */
  readonly to?: string | undefined;
}

/** A group, with every number as the exact text that Postgres prints. */
export interface UsageGroup {
  /** The values of the key's columns; null: a session without an account. */
  readonly key: readonly (string | null)[];
  readonly usage: Readonly<Record<UsageColumn | 'event_count', string>>;
  /** What has a price costs, by currency; not rounded. */
  readonly cost: Readonly<Record<string, string>>;
}

const SUMMED = [...USAGE_COLUMNS, 'event_count'] as const;

/**
 * Usage and cost by group: days in their order; all else by currency, from the greatest cost in it, then the
 * most events, on. A group with costs in several currencies is ordered by the first of them.
 *
 * @param top only so many groups
 */
export async function groupedUsage(
  database: Database,
  by: Grouping,
  { account, from, to }: UsageFilter,
  top: number | undefined,
): Promise<UsageGroup[]> {
  const connection = await readingSnapshot(database);
  const { rows } = await connection
    .query<{ key: (string | null)[]; usage: string[]; cost: Record<string, string> }>(
      groupedSql(by),
      [account ?? null, from ?? null, to ?? null, top ?? null],
    )
    .finally(() => connection.release(true));
  return rows.map(({ key, usage, cost }) => ({
    key,
    usage: Object.fromEntries(SUMMED.map((name, i) => [name, usage[i]])) as UsageGroup['usage'],
    cost,
  }));
}

/** Days and accounts are read from the relations of that name; a session is in none of them. */
function groupedSql(by: Grouping): string {
  const source = by === 'session' ? 'session' : 'account';
  const key = `ARRAY[${GROUPINGS[by].map((name) => `${name}::text`).join(', ')}]`;
  const filter = `($1::text IS NULL OR account_id = $1)
      AND ($2::date IS NULL OR day >= $2) AND ($3::date IS NULL OR day <= $3)`;
  const sums = SUMMED.map((name) => `trim_scale(sum(${name}))::text`).join(', ');
  const order =
    by === 'day' ? 'used.key' : 'cost.currency, cost.ordered_by DESC, used.events DESC, used.key';
  return `WITH used AS (
      SELECT ${key} AS key, ARRAY[${sums}] AS usage, sum(event_count) AS events
      FROM ${source}_daily_usage WHERE ${filter} GROUP BY 1
    ), cost AS (
      SELECT key, jsonb_object_agg(currency, trim_scale(cost)::text) AS cost,
        min(currency) AS currency, (array_agg(cost ORDER BY currency))[1] AS ordered_by
      FROM (
        SELECT ${key} AS key, currency, sum(cost) AS cost
        FROM ${source}_daily_cost WHERE ${filter} GROUP BY 1, 2
      ) AS by_currency GROUP BY key
    )
    SELECT used.key, used.usage, coalesce(cost.cost, '{}') AS cost
    FROM used LEFT JOIN cost ON cost.key = used.key
    ORDER BY ${order} LIMIT $4::bigint`;
}
