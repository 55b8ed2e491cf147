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
const list = (parts: readonly ReturnType<typeof sql>[]) => sql.join([...parts], sql`, `);

/**
 * Adds to what is billed, each row once. The sessions must be locked, so that nobody else writes to them.
 * `trim_scale` gives each sum one form: 1.5 + 1.5 is 3, as if it had come in one event.
 *
 * Updates first and inserts the rest: `ON CONFLICT` would lock each row before it updates it, which is a
 * record of WAL more, about 60 bytes.
 */
export const addUsage = statement<UsageParameters>(
  'add_usage',
  sql`WITH added AS MATERIALIZED (
      SELECT session_id, usage_type, provider, model,
        ${list([...counts, ...durations].map((name) => sql`coalesce(${name}, 0) AS ${name}`))},
        event_count,
        'epoch'::timestamptz + first_us * interval '1 microsecond' AS first_event_at,
        'epoch'::timestamptz + last_us * interval '1 microsecond' AS last_event_at
      FROM unnest(${p('sessionIds')}::text[], ${p('usageTypes')}::text[], ${p('providers')}::text[],
        ${p('models')}::text[], ${p('eventCounts')}::bigint[], ${p('firstUs')}::bigint[],
        ${p('lastUs')}::bigint[],
        ${list(COUNT_COLUMNS.map((name) => sql`${p(name)}::bigint[]`))},
        ${list(DURATION_COLUMNS.map((name) => sql`${p(name)}::numeric[]`))})
        AS one (session_id, usage_type, provider, model, event_count, first_us, last_us,
          ${list(counts)}, ${list(durations)})
    ), updated AS (
      UPDATE ${sessionModelUsage} AS billed SET
        ${list(counts.map((name) => sql`${name} = billed.${name} + added.${name}`))},
        ${list(durations.map((name) => sql`${name} = trim_scale(billed.${name} + added.${name})`))},
        event_count = billed.event_count + added.event_count,
        first_event_at = least(billed.first_event_at, added.first_event_at),
        last_event_at = greatest(billed.last_event_at, added.last_event_at),
        updated_at = now()
      FROM added
      WHERE billed.session_id = added.session_id AND billed.usage_type = added.usage_type
        AND billed.provider = added.provider AND billed.model = added.model
      RETURNING billed.session_id, billed.usage_type, billed.provider, billed.model
    )
    INSERT INTO ${sessionModelUsage} (session_id, usage_type, provider, model,
      ${list(counts)}, ${list(durations)}, event_count, first_event_at, last_event_at)
    SELECT session_id, usage_type, provider, model,
      ${list(counts)}, ${list(durations)}, event_count, first_event_at, last_event_at
    FROM added
    WHERE (session_id, usage_type, provider, model) NOT IN
      (SELECT session_id, usage_type, provider, model FROM updated)`,
);
