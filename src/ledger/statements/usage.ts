import { sql } from 'drizzle-orm';
import {
  COUNT_COLUMNS,
  type CountColumn,
  DURATION_COLUMNS,
  type DurationColumn,
} from '../../livekit/usage-columns.ts';
import { statement } from '../../postgres/statement.ts';
import { sessionModelUsage } from '../schema/tables.ts';

/** Arrays of one element for each row; null for a column to which nothing is added. */
export type UsageParameters = {
  sessionIds: Buffer;
  usageTypes: Buffer;
  providers: Buffer;
  models: Buffer;
  eventCounts: Buffer;
  firstUs: Buffer;
  lastUs: Buffer;
} & { [C in CountColumn]: Buffer | string | null } & { [C in DurationColumn]: Buffer | null };

const p = (name: keyof UsageParameters) => sql.placeholder(name);
const counts = COUNT_COLUMNS.map((name) => sql.raw(name));
const durations = DURATION_COLUMNS.map((name) => sql.raw(name));
const timeOf = (us: 'first_us' | 'last_us') =>
  sql`'epoch'::timestamptz + added.${sql.raw(us)} * interval '1 microsecond'`;
const list = (parts: readonly ReturnType<typeof sql>[]) => sql.join([...parts], sql`, `);

/**
 * Adds to what is billed, each row once. The sessions must be locked, so that nobody else writes to them.
 * `trim_scale` gives each sum one form: 1.5 + 1.5 is 3, as if it had come in one event.
 *
 * Updates first and inserts the rest: `ON CONFLICT` would lock each row before it updates it, which is a
 * record of WAL more, about 60 bytes. The arrays are unnested where their rows are selected: in FROM,
 * Postgres would first store each of them by itself.
 */
export const addUsage = statement<UsageParameters>(
  'add_usage',
  sql`WITH added AS MATERIALIZED (
      SELECT generate_subscripts(given.session_ids, 1) AS place,
        unnest(given.session_ids) AS session_id,
        unnest(${p('usageTypes')}::text[]) AS usage_type,
        unnest(${p('providers')}::text[]) AS provider,
        unnest(${p('models')}::text[]) AS model,
        unnest(${p('eventCounts')}::bigint[]) AS event_count,
        unnest(${p('firstUs')}::bigint[]) AS first_us,
        unnest(${p('lastUs')}::bigint[]) AS last_us,
        ${list(COUNT_COLUMNS.map((name) => sql`unnest(${p(name)}::bigint[]) AS ${sql.raw(name)}`))},
        ${list(DURATION_COLUMNS.map((name) => sql`unnest(${p(name)}::numeric[]) AS ${sql.raw(name)}`))}
      FROM (SELECT ${p('sessionIds')}::text[] AS session_ids) AS given
    ), updated AS (
      UPDATE ${sessionModelUsage} AS billed SET
        ${list(counts.map((name) => sql`${name} = coalesce(billed.${name} + added.${name}, billed.${name})`))},
        ${list(durations.map((name) => sql`${name} = coalesce(trim_scale(billed.${name} + added.${name}), billed.${name})`))},
        event_count = billed.event_count + added.event_count,
        first_event_at = least(billed.first_event_at, ${timeOf('first_us')}),
        last_event_at = greatest(billed.last_event_at, ${timeOf('last_us')}),
        updated_at = now()
      FROM added
      WHERE billed.session_id = added.session_id AND billed.usage_type = added.usage_type
        AND billed.provider = added.provider AND billed.model = added.model
      RETURNING added.place
    )
    INSERT INTO ${sessionModelUsage} (session_id, usage_type, provider, model,
      ${list(counts)}, ${list(durations)}, event_count, first_event_at, last_event_at)
    SELECT session_id, usage_type, provider, model,
      ${list([...counts, ...durations].map((name) => sql`coalesce(${name}, 0)`))},
      event_count, ${timeOf('first_us')}, ${timeOf('last_us')}
    FROM added
    WHERE place NOT IN (SELECT place FROM updated)`,
);
