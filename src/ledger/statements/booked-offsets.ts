import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumedRange, deadLetter, eventConflict } from '../schema/tables.ts';

type Offsets = { topic: string; partition: number; generation: number; offsets: Buffer };

/** Any group has consumed the offset before, and not as a dead letter that is not applied since. */
const isConsumed = sql`EXISTS (
        SELECT FROM ${consumedRange} AS range
        WHERE range.topic = ${sql.placeholder('topic')}
          AND range.partition = ${sql.placeholder('partition')}
          AND range.generation = ${sql.placeholder('generation')}
          AND range.first_offset <= wanted.kafka_offset AND range.next_offset > wanted.kafka_offset
          AND range.consumed > 0)
      AND NOT EXISTS (
        SELECT FROM ${deadLetter} AS earlier
        WHERE earlier.kafka_topic = ${sql.placeholder('topic')}
          AND earlier.kafka_partition = ${sql.placeholder('partition')}
          AND earlier.generation = ${sql.placeholder('generation')}
          AND earlier.kafka_offset = wanted.kafka_offset
          AND coalesce(earlier.resolution, '') NOT IN ('applied', 'duplicate'))`;
/** Which of these offsets any group has consumed before. */
export const readConsumed = statement<Offsets, { kafka_offset: string }>(
  'read_consumed',
  sql`SELECT wanted.kafka_offset
    FROM unnest(${sql.placeholder('offsets')}::bigint[]) AS wanted (kafka_offset)
    WHERE ${isConsumed}`,
);

/** Which of them were applied or duplicates: consumed, and no conflict, but for one that is billed, too. */
export const readBooked = statement<
  Offsets & {
    /** The session of each. */
    sessionIds: Buffer;
  },
  { kafka_offset: string }
>(
  'read_booked',
  sql`SELECT wanted.kafka_offset
    FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('offsets')}::bigint[])
      AS wanted (session_id, kafka_offset)
    WHERE ${isConsumed}
      AND NOT EXISTS (
        SELECT FROM ${eventConflict} AS conflict
        WHERE conflict.session_id = wanted.session_id
          AND conflict.kafka_topic = ${sql.placeholder('topic')}
          AND conflict.kafka_partition = ${sql.placeholder('partition')}
          AND conflict.generation = ${sql.placeholder('generation')}
          AND conflict.kafka_offset = wanted.kafka_offset
          AND conflict.resolution IS DISTINCT FROM 'billed_both')`,
);
