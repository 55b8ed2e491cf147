import { int4Array, int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import { claimCopies, noteCopies } from './statements/dead-letter-copies.ts';
import type { DeadLetterRow } from './statements/dead-letters.ts';

/** What is held in memory at once; a letter that is larger comes alone. */
const CLAIM = { most: 100, mostBytes: 1_000_000 };
/** Longer than a broker is waited for. After it, another worker may make the same copy again. */
const LEASE_SECONDS = 120;
const MAX_ERROR = 500;

/**
 * Dead letters that are to be copied to KAFKA_DEAD_LETTER_TOPIC: marked in the transaction that
 * keeps them, copied after it.
 */
export function claimDeadLetters(connection: Queryable): Promise<DeadLetterRow[]> {
  return claimCopies.run(connection, { ...CLAIM, leaseSeconds: LEASE_SECONDS });
}

/**
 * Notes what became of the copies of some letters.
 *
 * @param error why they were not made; `null`: they were
 * @param retrySeconds after which to try again; `null`: never
 */
export async function noteDeadLetterCopies(
  connection: Queryable,
  letters: readonly DeadLetterRow[],
  error: string | null,
  retrySeconds: number | null,
): Promise<void> {
  if (letters.length === 0) return;
  await noteCopies.run(connection, {
    topics: textArray(letters.map(({ kafka_topic }) => kafka_topic)),
    partitions: int4Array(letters.map(({ kafka_partition }) => kafka_partition)),
    generations: int4Array(letters.map(({ generation }) => generation)),
    offsets: int8Array(letters.map(({ kafka_offset }) => kafka_offset)),
    error: error?.replaceAll('\0', ' ').slice(0, MAX_ERROR).toWellFormed() ?? null,
    retrySeconds,
  });
}
