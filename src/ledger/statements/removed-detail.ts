import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { consumedRange, deadLetter } from '../schema/tables.ts';

/**
 * Those of some offsets that any group has consumed before, and not as a dead letter that nobody has
 * resolved: that one was never applied.
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
        SELECT FROM ${deadLetter} AS letter
        WHERE letter.kafka_topic = ${sql.placeholder('topic')}
          AND letter.kafka_partition = ${sql.placeholder('partition')}
          AND letter.generation = ${sql.placeholder('generation')}
          AND letter.kafka_offset = wanted.kafka_offset
          AND coalesce(letter.resolution, '') NOT IN ('applied', 'duplicate'))`,
);
