import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { deadLetter } from '../schema/tables.ts';
import type { DeadLetterRow } from './dead-letters.ts';

/**
 * Claims dead letters whose copy is due, at least one and up to about `mostBytes`, by making them due
 * again later: no other worker claims them before, and they are copied if this one ends.
 */
export const claimCopies = statement<
  { most: number; mostBytes: number; leaseSeconds: number },
  DeadLetterRow
>(
  'claim_dead_letter_copies',
  sql`WITH due AS MATERIALIZED (
      SELECT ctid AS place, copy_due_at,
        coalesce(octet_length(key), 0) + coalesce(octet_length(value), 0)
          + octet_length(headers::text) AS bytes
      FROM ${deadLetter} WHERE copy_due_at <= now()
      ORDER BY copy_due_at LIMIT ${sql.placeholder('most')} FOR UPDATE SKIP LOCKED
    ), summed AS (
      SELECT place, sum(bytes) OVER (ORDER BY copy_due_at, place) - bytes AS bytes_before FROM due
    )
    UPDATE ${deadLetter}
    SET copy_due_at = now() + ${sql.placeholder('leaseSeconds')} * interval '1 second'
    WHERE ctid = ANY(ARRAY(
      SELECT place FROM summed WHERE bytes_before < ${sql.placeholder('mostBytes')}::bigint))
    RETURNING *`,
);

/** Stores the result of copies: `error` is null when they were made. */
export const noteCopies = statement<{
  topics: Buffer;
  partitions: Buffer;
  generations: Buffer;
  offsets: Buffer;
  error: string | null;
  /** Delay until the next attempt; null: never. */
  retrySeconds: number | null;
}>(
  'note_dead_letter_copies',
  sql`UPDATE ${deadLetter}
    SET copy_due_at = now() + ${sql.placeholder('retrySeconds')}::integer * interval '1 second',
      copied_at = CASE WHEN ${sql.placeholder('error')}::text IS NULL THEN now() END,
      copy_error = ${sql.placeholder('error')}
    FROM unnest(${sql.placeholder('topics')}::text[], ${sql.placeholder('partitions')}::integer[],
      ${sql.placeholder('generations')}::integer[], ${sql.placeholder('offsets')}::bigint[])
      AS tried (topic, partition, generation, kafka_offset)
    WHERE ${deadLetter.kafkaTopic} = tried.topic
      AND ${deadLetter.kafkaPartition} = tried.partition
      AND ${deadLetter.generation} = tried.generation
      AND ${deadLetter.kafkaOffset} = tried.kafka_offset
      AND ${deadLetter.copiedAt} IS NULL`,
);
