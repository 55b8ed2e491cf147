import { int4Array, int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch } from '../records/message.ts';
import type { ClassifiedBatch } from './classify-batch.ts';
import type { FencedBatch } from './fence-batches.ts';
import { keepBooks } from './statements/positions.ts';
import { appliedUntilMs } from './watermark.ts';

/** Offsets that one row of the books may span: small batches extend the newest row. */
const MAX_RANGE = 100_000;

/**
 * Writes the outcomes of batches to the books, and moves their positions.
 *
 * @param movesWatermark whether what is applied counts for billing_watermark
 */
export async function keepBooksOf(
  connection: Queryable,
  applied: readonly (FencedBatch & ClassifiedBatch)[],
  movesWatermark: boolean,
): Promise<void> {
  const int8 = (numberOf: (part: FencedBatch & ClassifiedBatch) => number) =>
    int8Array(applied.map(numberOf));
  const int4 = (numberOf: (batch: Batch) => number) =>
    int4Array(applied.map(({ batch }) => numberOf(batch)));
  await keepBooks.run(connection, {
    groupId: applied[0]?.batch.groupId ?? '',
    topics: textArray(applied.map(({ batch }) => batch.topic)),
    partitions: int4(({ partition }) => partition),
    passes: int4(({ pass }) => pass),
    generations: int4(({ generation }) => generation),
    rangeFirstOffsets: int8(rangeFirstOffset),
    nextOffsets: int8(({ batch }) => batch.nextOffset),
    consumed: int8(({ batch }) => batch.messages.length),
    applied: int8(({ counts }) => counts.applied),
    duplicate: int8(({ counts }) => counts.duplicate),
    ignored: int8(({ counts }) => counts.ignored),
    conflict: int8(({ counts }) => counts.conflict),
    deadLetter: int8(({ counts }) => counts.dead_letter),
    appliedUntilMs: int8Array(
      applied.map(({ batch }) => (movesWatermark ? appliedUntilMs(batch.messages) : null)),
    ),
  });
}

/** Of the range of the books that the batch extends, or of its own. */
function rangeFirstOffset({ batch, row }: FencedBatch): number {
  const newest = Number(row.range_first_offset);
  return batch.nextOffset - newest <= MAX_RANGE ? newest : batch.fromOffset;
}
