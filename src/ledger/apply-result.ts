import type { Batch, OutcomeCounts } from '../records/message.ts';

/** What became of a batch. */
export type ApplyResult =
  | {
      readonly status: 'applied';
      readonly counts: OutcomeCounts;
      /** For how many sessions the batch names another account than the one they keep. */
      readonly otherAccounts: number;
      /** Where the batch ended early, because `continuesAfter` returned false. */
      readonly stoppedAt?: number;
    }
  /** The group's position is another one: nothing was written. `undefined`: it has none. */
  | {
      readonly status: 'moved';
      readonly position: { nextOffset: number; pass: number } | undefined;
    };

export type Applied = ApplyResult & { readonly status: 'applied' };

/** Reports the dead letters that only the ledger made: each counts towards DEAD_LETTER_LIMIT. */
export function reportDeadLetters(
  batch: Batch,
  result: Applied,
  offsets: readonly number[],
): Applied {
  let continues = true;
  for (const offset of offsets) continues = batch.continuesAfter?.(offset) ?? continues;
  return continues ? result : { ...result, stoppedAt: batch.nextOffset };
}
