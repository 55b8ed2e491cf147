import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import type { ApplyResult, Ledger } from '../ledger/ledger.ts';
import { isRefusedByPostgres, isTransient } from '../postgres/errors.ts';
import type { Batch } from '../records/message.ts';
import type { BatchPermits } from './batch-permits.ts';

/** After a failure, batches are applied alone for so long: one partition must not hold up the others. */
const ALONE_MS = 30_000;

/** A part of a batch that was applied, or whose position was found elsewhere. */
export interface PartResult {
  readonly part: Batch;
  readonly result: ApplyResult;
  /** How long the transaction took. */
  readonly ms: number;
}

export interface SharedTransactionsOptions {
  readonly ledger: Partial<Pick<Ledger, 'applyTogether'>>;
  readonly logger: Logger;
  readonly permits: BatchPermits;
  readonly lingerMs: number;
  /** Most messages of one transaction. */
  readonly maxEvents: number;
}

interface Submission {
  readonly batch: Batch;
  readonly isWanted: () => boolean;
  readonly resolve: (result: PartResult | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Where events come one by one, a transaction for each costs more than the events. So a loop that has
 * few records waits for the end of a window, which the first of them begins and all loops share, and
 * what the loops then have is applied in one transaction.
 *
 * That is only the cheap way. A batch that cannot go with the others, and all of them when the
 * transaction fails, are applied alone, which retries, halves and isolates.
 */
export class SharedTransactions {
  readonly #options: SharedTransactionsOptions;
  #window: Promise<void> | undefined;
  #submitted: Submission[] = [];
  #aloneUntil = Number.NEGATIVE_INFINITY;

  constructor(options: SharedTransactionsOptions) {
    this.#options = options;
  }

  /** Settles at the end of the current window, or of one that begins now. */
  due(): Promise<void> {
    this.#window ??= delay(this.#options.lingerMs, undefined, { ref: false }).then(() => {
      this.#window = undefined;
    });
    return this.#window;
  }

  /**
   * Applies a small batch together with those that other loops submit in this turn of the event loop.
   *
   * @param isWanted asked before the transaction begins
   * @returns `undefined`: nothing was written, and the batch is to be applied alone
   * @throws what no other attempt would change
   */
  apply(batch: Batch, isWanted: () => boolean): Promise<PartResult | undefined> {
    const { ledger } = this.#options;
    if (ledger.applyTogether === undefined || Date.now() < this.#aloneUntil) {
      return Promise.resolve(undefined);
    }
    return new Promise((resolve, reject) => {
      this.#submitted.push({ batch, isWanted, resolve, reject });
      if (this.#submitted.length === 1) void this.#applySubmitted();
    });
  }

  async #applySubmitted(): Promise<void> {
    const { permits } = this.#options;
    await nextTurn();
    await permits.acquire();
    try {
      // What is submitted meanwhile joins the next transaction.
      while (this.#submitted.length > 0) await this.#applyGroup(this.#nextGroup());
    } finally {
      permits.release();
    }
  }

  #nextGroup(): Submission[] {
    let messages = 0;
    let size = 0;
    for (const { batch } of this.#submitted) {
      messages += batch.messages.length;
      if (size > 0 && messages > this.#options.maxEvents) break;
      size += 1;
    }
    return this.#submitted.splice(0, size);
  }

  async #applyGroup(submitted: readonly Submission[]): Promise<void> {
    const group = submitted.filter(({ isWanted }) => isWanted());
    for (const one of submitted) if (!group.includes(one)) one.resolve(undefined);
    try {
      const begun = performance.now();
      const results = await this.#apply(group.map(({ batch }) => batch));
      const ms = performance.now() - begun;
      for (const [i, { batch, resolve }] of group.entries()) {
        const result = results[i];
        resolve(result && { part: batch, result, ms });
      }
    } catch (error) {
      if (isTransient(error)) this.#aloneUntil = Date.now() + ALONE_MS;
      const isForAll = !isTransient(error) && !isRefusedByPostgres(error);
      for (const { resolve, reject } of group) {
        if (isForAll) reject(error);
        else resolve(undefined);
      }
      const fields = { partitions: group.length, error: messageOf(error) };
      this.#options.logger.debug(fields, 'a shared transaction failed; applying each batch alone');
    }
  }

  /** A single batch is applied as any other. */
  async #apply(batches: readonly Batch[]): Promise<readonly (ApplyResult | undefined)[]> {
    if (batches.length < 2) return [];
    return (await this.#options.ledger.applyTogether?.(batches)) ?? [];
  }
}
