import { SpareBuffers } from '../bytes/spare-buffers.ts';
import type { Database } from '../postgres/database.ts';
import type { Batch, DeadLetterMessage, Message } from '../records/message.ts';
import { type ApplyContext, applyBatches } from './apply-batch.ts';
import type { ApplyResult } from './apply-result.ts';
import { isolateRefused } from './isolate-refused.ts';
import { type RedriveOptions, type RedriveResult, redrive } from './redrive-dead-letter.ts';
import { SessionLoader } from './session-loader.ts';
import { SourceIds } from './source-ids.ts';
import { retryWithoutCache } from './stale-cache.ts';

export { BATCH_STEPS, type BatchStep } from './committed-batch.ts';
export type { ApplyResult };

export interface LedgerOptions {
  /** Limit of the session cache. */
  readonly cacheBytes: number;
  /** Whether dead letters are marked as due for a copy on KAFKA_DEAD_LETTER_TOPIC. */
  readonly copiesDeadLetters?: boolean;
  /** Whether batches move the watermark of their partition; not for a group that reads a range. */
  readonly movesWatermark?: boolean;
  readonly onStep?: ApplyContext['onStep'];
  readonly onCommitted?: ApplyContext['onCommitted'];
}

/**
 * The itemised ledger and all that is derived from it. One instance serves all partitions of a worker;
 * any number of workers may write to the same ledger.
 */
export class Ledger {
  readonly #context: ApplyContext;

  constructor(database: Database, options: LedgerOptions) {
    this.#context = {
      database,
      loader: new SessionLoader(options.cacheBytes),
      sources: new SourceIds(database),
      buffers: new SpareBuffers(),
      copiesDeadLetters: options.copiesDeadLetters ?? false,
      movesWatermark: options.movesWatermark ?? true,
      onStep: options.onStep ?? (() => {}),
      onCommitted: options.onCommitted ?? (() => {}),
    };
  }

  /**
   * Applies a batch: all of it, with the books and the group's position, or nothing. Only where
   * Postgres refuses a value are parts of it applied one after the other.
   *
   * @throws when the database cannot be reached, is overloaded or is damaged. Whether a commit that
   *   threw took place, the next call shows: it then returns `moved`.
   */
  apply(batch: Batch): Promise<ApplyResult> {
    return isolateRefused(batch, (part) =>
      this.#retryWithoutCache(async () => {
        const [result] = await applyBatches(this.#context, [part], true);
        if (result === undefined) throw new Error('a batch alone was left out');
        return result;
      }),
    );
  }

  /**
   * Applies small batches of one group, each of another partition, in one transaction: all of them or
   * nothing. No batch waits for a position that another transaction holds.
   *
   * @returns for each batch what became of it; `undefined`: nothing was written of it, and it is to be
   *   applied alone
   * @throws as `apply`, and when Postgres refuses a value; each batch may then be applied alone
   */
  applyTogether(batches: readonly Batch[]): Promise<readonly (ApplyResult | undefined)[]> {
    return this.#retryWithoutCache(() => applyBatches(this.#context, batches, false));
  }

  /**
   * Tries a dead letter again, and resolves it unless it is one still.
   *
   * @throws when Postgres refuses a value of it, or cannot be reached
   */
  redrive(
    where: Pick<Batch, 'topic' | 'partition' | 'generation'>,
    message: Exclude<Message, DeadLetterMessage>,
    options: RedriveOptions,
  ): Promise<RedriveResult> {
    return this.#retryWithoutCache(() => redrive(this.#context, where, message, options));
  }

  /** Clears all caches: the database may have been restored to an earlier moment. */
  forget(): void {
    this.#context.loader.clear();
    this.#context.sources.clear();
  }

  #retryWithoutCache<T>(work: () => Promise<T>): Promise<T> {
    return retryWithoutCache(() => this.forget(), work);
  }
}
