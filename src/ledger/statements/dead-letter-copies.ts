import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { deadLetter } from '../schema/tables.ts';
import type { DeadLetterRow } from './dead-letters.ts';

/**
 * Takes dead letters whose copy is due, up to about `mostBytes` of them and at least one, and makes
 * them due again later: they are nobody else's until then, and are tried again if the caller dies.
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

/** Notes what became of copies: `error` is null when they were made. */
export const noteCopies = statement<{
  topics: Buffer;
  partitions: Buffer;
  generations: Buffer;
  offsets: Buffer;
  error: string | null;
  /** When to try again; null: never. */
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
