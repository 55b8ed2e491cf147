import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import type { Applied } from '../ledger/apply-result.ts';
import type { Halt } from '../ledger/halt.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { Position } from '../ledger/position.ts';
import type { Batch } from '../records/message.ts';
import { BatchPace, restOf } from './batch-pace.ts';
import type { BatchPermits } from './batch-permits.ts';
import { type DependencyRetry, POSTGRES } from './dependency-retry.ts';
import { OutcomeWindow } from './outcome-window.ts';
import type { PartitionProgress } from './partition-progress.ts';
import type { PartResult, SharedTransactions } from './shared-transactions.ts';

/** What became of a batch. */
export type BatchEnd =
  /** The position has moved past it, or the loop ended first. */
  | { readonly kind: 'done' }
  /** The position has moved past part of it; too many dead letters. */
  | { readonly kind: 'halt'; readonly halt: Halt }
  /** The position is one that this loop did not expect; `undefined`: there is none. */
  | { readonly kind: 'moved'; readonly expected: Position; readonly found: Position | undefined };

export interface BatchApplierOptions {
  readonly ledger: Pick<Ledger, 'apply'>;
  readonly logger: Logger;
  readonly progress: PartitionProgress;
  readonly retry: DependencyRetry;
  readonly permits: BatchPermits;
  readonly shared: SharedTransactions | undefined;
  readonly deadLetterLimit: number;
  /** Dead letters before this offset do not count towards the limit. */
  readonly judgedFrom: number;
  readonly isRunning: () => boolean;
  /** The position has moved; the answer may have been lost, so that nobody knows the outcomes. */
  readonly onMoved: () => void;
  /** A part of a batch was applied, in a transaction that took `ms`. */
  readonly onApplied: (result: Applied, ms: number) => void;
}

/** Applies the batches of one partition, one at a time, and counts their dead letters. */
export class BatchApplier {
  readonly #options: BatchApplierOptions;
  readonly #pace = new BatchPace();
  readonly #window: OutcomeWindow;

  constructor(options: BatchApplierOptions) {
    this.#options = options;
    const { progress, deadLetterLimit, judgedFrom } = options;
    this.#window = new OutcomeWindow(progress, deadLetterLimit, judgedFrom);
  }

  /**
   * Applies a batch whose first offset is the position: whole, or in parts where Postgres does not
   * finish it in time. The caller holds a batch permit. The steps of each part, and what a crash
   * after each leaves:
   *
   * 1. The ledger's transaction writes entries, sums, dead letters, books and position.
   *    Uncommitted, it leaves nothing: the next worker reads the same offsets again.
   * 2. It commits. All of it is durable, whether or not the answer arrives: the next worker begins at
   *    the new position. In this process, a retry after a lost answer finds the position within the
   *    batch, and applies only what follows it.
   * 3. The position moves in memory, and is queued for its copy to the broker (commit-queue.ts). The
   *    copy may then lag; a worker that starts recognizes its own copy by the metadata, and
   *    ignores it (start-offset.ts).
   * 4. The dead letters of the part are counted. A halt that follows is stored in a transaction of
   *    its own (halted-partitions.ts): before it, a restart counts dead letters from the position on.
   */
  apply(whole: Batch): Promise<BatchEnd> {
    return this.#applyAll(whole, (rest) => this.#applyPart(rest));
  }

  /**
   * The same in one transaction with the batches of other partitions, or alone where that is not
   * possible. The caller holds no batch permit.
   */
  applyTogether(whole: Batch): Promise<BatchEnd> {
    const { shared, permits, isRunning } = this.#options;
    let isAlone = false;
    return this.#applyAll(whole, async (rest) => {
      if (!isAlone && this.#pace.part(rest) === rest) {
        isAlone = true;
        return shared?.apply(rest, isRunning);
      }
      await permits.acquire();
      try {
        return isRunning() ? await this.#applyPart(rest) : undefined;
      } finally {
        permits.release();
      }
    });
  }

  /** @param applyPart applies the first part of a batch; `undefined`: it is to be called again */
  async #applyAll(
    whole: Batch,
    applyPart: (rest: Batch) => Promise<PartResult | undefined>,
  ): Promise<BatchEnd> {
    const { progress, isRunning, onApplied } = this.#options;
    const continuesAfter = (offset: number) => this.#window.rejected(whole, offset);
    let rest: Batch = { ...whole, continuesAfter };
    while (isRunning()) {
      const applied = await applyPart(rest); // 1, 2
      if (applied === undefined) continue;
      const { part, result, ms } = applied;
      if (result.status === 'moved') {
        const { position: found } = result;
        if (!isWithin(rest, found)) {
          const expected = { nextOffset: rest.fromOffset, pass: rest.pass };
          return { kind: 'moved', expected, found };
        }
        this.#moveTo(found.nextOffset); // 3, after a lost answer
      } else {
        const nextOffset = result.stoppedAt ?? part.nextOffset;
        this.#pace.applied(ms);
        this.#moveTo(nextOffset); // 3
        onApplied(result, ms);
        const hasDeadLetters = result.counts.dead_letter > 0;
        const halt = this.#window.applied(whole, nextOffset, hasDeadLetters); // 4
        progress.deadLetterShare = this.#window.share;
        if (halt !== undefined) return { kind: 'halt', halt };
      }
      if (progress.position === rest.nextOffset) break;
      rest = restOf(rest, progress.position);
    }
    return { kind: 'done' };
  }

  #moveTo(nextOffset: number): void {
    this.#options.progress.moveTo(nextOffset);
    this.#options.onMoved();
  }

  /** Applies the first part of a batch, which is smaller after Postgres failed to finish it twice. */
  #applyPart(batch: Batch): Promise<PartResult> {
    const { ledger, retry } = this.#options;
    const attempt = async () => {
      const part = this.#pace.part(batch);
      const begun = performance.now();
      try {
        const result = await ledger.apply(part);
        return { part, result, ms: performance.now() - begun };
      } catch (error) {
        this.#noteFailure(part, error);
        throw error;
      }
    };
    return retry.run(POSTGRES, attempt, true);
  }

  #noteFailure({ messages }: Batch, error: unknown): void {
    const most = this.#pace.failed(messages.length, error);
    if (most === undefined) return;
    const { topic, partition, position: offset } = this.#options.progress;
    const fields = { topic, partition, offset, error: messageOf(error) };
    const why = `Postgres does not finish ${messages.length} messages at once; trying ${most}`;
    this.#options.logger.warn(fields, why);
  }
}

/** Whether the position is one to which the batch moves it, as a whole or in parts. */
function isWithin(batch: Batch, position: Position | undefined): position is Position {
  if (position === undefined || position.pass !== batch.pass) return false;
  const { nextOffset } = position;
  return nextOffset > batch.fromOffset && nextOffset <= batch.nextOffset;
}
