import { ANSWER_TIMEOUT_MS } from '../postgres/database.ts';
import { isTooMuchAtOnce } from '../postgres/errors.ts';
import type { Batch } from '../records/message.ts';

/** Once may be an outage that ends by itself; a batch that is too large is too large again. */
const FAILURES_BEFORE_HALVING = 2;
/** A part that took no longer may be twice as large and still be far from the limit. */
const QUICK_MS = ANSWER_TIMEOUT_MS / 4;

/**
 * How much of a batch is applied at once. Slow storage, or a limit that an administrator set, may not
 * let Postgres finish all of it: retried whole, it would fail for ever. So it is halved, and later
 * batches are not tried whole before smaller parts were quick.
 */
export class BatchPace {
  #most = Number.POSITIVE_INFINITY;
  #failures = 0;

  /** The first part of a batch that is to be applied at once. */
  part(batch: Batch): Batch {
    const { messages } = batch;
    const border = messages[this.#most];
    if (border === undefined) return batch;
    return { ...batch, nextOffset: border.offset, messages: messages.slice(0, this.#most) };
  }

  /**
   * @param size how many messages were tried at once
   * @returns how many will be from now on; `undefined`: as many as before
   */
  failed(size: number, error: unknown): number | undefined {
    if (!isTooMuchAtOnce(error) || size < 2) return undefined;
    this.#failures += 1;
    if (this.#failures < FAILURES_BEFORE_HALVING) return undefined;
    this.#failures = 0;
    this.#most = size >> 1;
    return this.#most;
  }

  applied(ms: number): void {
    this.#failures = 0;
    if (ms < QUICK_MS) this.#most *= 2;
  }
}

/** The part of a batch from `fromOffset` on. */
export function restOf(batch: Batch, fromOffset: number): Batch {
  const messages = batch.messages.filter(({ offset }) => offset >= fromOffset);
  return { ...batch, fromOffset, messages };
}
