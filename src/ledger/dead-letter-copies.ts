import { int4Array, int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import { claimCopies, noteCopies } from './statements/dead-letter-copies.ts';
import type { DeadLetterRow } from './statements/dead-letters.ts';

/** Limits of what is in memory at once; a larger dead letter is claimed alone. */
const CLAIM = { most: 100, mostBytes: 1_000_000 };
/** Longer than the time limit for a broker. After it, another worker may make the same copy. */
const LEASE_SECONDS = 120;
const MAX_ERROR = 500;

/** Claims dead letters whose copy on KAFKA_DEAD_LETTER_TOPIC is due: since they were committed. */
export function claimDeadLetters(connection: Queryable): Promise<DeadLetterRow[]> {
  return claimCopies.run(connection, { ...CLAIM, leaseSeconds: LEASE_SECONDS });
}

/**
 * Stores the result of copying dead letters.
 *
 * @param error why they could not be copied; `null`: they were
 * @param retrySeconds delay until the next attempt; `null`: never
 */
export async function noteDeadLetterCopies(
  connection: Queryable,
  deadLetters: readonly DeadLetterRow[],
  error: string | null,
  retrySeconds: number | null,
): Promise<void> {
  if (deadLetters.length === 0) return;
  await noteCopies.run(connection, {
    topics: textArray(deadLetters.map(({ kafka_topic }) => kafka_topic)),
    partitions: int4Array(deadLetters.map(({ kafka_partition }) => kafka_partition)),
    generations: int4Array(deadLetters.map(({ generation }) => generation)),
    offsets: int8Array(deadLetters.map(({ kafka_offset }) => kafka_offset)),
    error: error?.replaceAll('\0', ' ').slice(0, MAX_ERROR).toWellFormed() ?? null,
    retrySeconds,
  });
}
