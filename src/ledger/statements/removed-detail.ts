import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumedRange, deadLetter } from '../schema/tables.ts';

/**
 * Which of these offsets any group has consumed before. Not a dead letter that has not been applied by
 * a redrive: its event is not in the ledger.
 */
export const readConsumed = statement<
  { topic: string; partition: number; generation: number; offsets: Buffer },
  { kafka_offset: string }
>(
  'read_consumed',
  sql`SELECT wanted.kafka_offset
    FROM unnest(${sql.placeholder('offsets')}::bigint[]) AS wanted (kafka_offset)
    WHERE EXISTS (
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
          AND coalesce(earlier.resolution, '') NOT IN ('applied', 'duplicate'))`,
);
