import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { claimDeadLetters, noteDeadLetterCopies } from '../ledger/dead-letter-copies.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import type { Database } from '../postgres/database.ts';
import type { DeadLetterTopic, RefusedCopy } from './dead-letter-topic.ts';

/** How often to look for copies that another worker left, or that are due for a retry. */
const POLL_MS = 5_000;
const FIRST_RETRY_S = 1;
const MOST_RETRY_S = 60;

export interface OutboxOptions {
  readonly database: Database;
  readonly topic: Pick<DeadLetterTopic, 'name' | 'copy' | 'close'>;
  readonly logger: Logger;
}

/**
 * Copies dead letters to KAFKA_DEAD_LETTER_TOPIC after their transaction has committed: at least
 * once, in no particular order. No partition waits for it. Any number of workers may run one: each
 * claims dead letters of its own.
 *
 * 1. Claim the dead letters that are due; they become due again when the claim expires.
 * 2. Send them and await the acknowledgement. After a crash here they are sent a second time.
 * 3. Record the result on the row: copied, refused permanently, or to be retried later.
 */
export class DeadLetterOutbox {
  readonly #options: OutboxOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #failures = 0;
  #lastCause: string | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Starts copying now, without waiting for the next poll. */
  wake(): void {
    this.#wake?.();
  }

  /** Copies what is due, until an attempt fails or the time has passed; then disconnects. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    this.#wake?.();
    const late = new AbortController();
    const last = async () => {
      await this.#loop;
      while (!late.signal.aborted && (await this.#copySome()));
    };
    const tooLate = delay(timeoutMs, undefined, { signal: late.signal }).catch(() => {});
    await Promise.race([last(), tooLate]);
    late.abort();
    await this.#options.topic.close().catch((error: unknown) => {
      this.#options.logger.debug(
        { error: messageOf(error) },
        'disconnecting from the dead-letter topic failed',
      );
    });
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (await this.#copySome()) continue;
      await (this.#failures > 0 ? this.#pause(this.#retrySeconds() * 1_000) : this.#idle());
    }
  }

  /** @returns whether more may be due now */
  async #copySome(): Promise<boolean> {
    let deadLetters: DeadLetterRow[] = [];
    try {
      deadLetters = await claimDeadLetters(this.#options.database);
      if (deadLetters.length === 0) return false;
      const refused = await this.#options.topic.copy(deadLetters);
      await this.#noteResults(deadLetters, refused);
      this.#recovered();
      return true;
    } catch (error) {
      this.#failures += 1;
      this.#warnOnce(error);
      await this.#postpone(deadLetters, error);
      return false;
    }
  }

  async #noteResults(
    deadLetters: readonly DeadLetterRow[],
    refused: readonly RefusedCopy[],
  ): Promise<void> {
    const { database, logger, topic } = this.#options;
    const missing = new Set(refused.map(({ deadLetter }) => deadLetter));
    const copied = deadLetters.filter((deadLetter) => !missing.has(deadLetter));
    await noteDeadLetterCopies(database, copied, null, null);
    for (const { deadLetter, why } of refused) {
      await noteDeadLetterCopies(database, [deadLetter], why, null);
      const { kafka_topic, kafka_partition, kafka_offset } = deadLetter;
      logger.warn(
        { topic: kafka_topic, partition: kafka_partition, offset: kafka_offset, error: why },
        `topic ${topic.name} refused the copy of a dead letter; its bytes are in the table dead_letter`,
      );
    }
  }

  /** Makes them due again after the backoff, for any worker. */
  async #postpone(deadLetters: readonly DeadLetterRow[], error: unknown): Promise<void> {
    const { database, logger } = this.#options;
    const why = messageOf(error);
    await noteDeadLetterCopies(database, deadLetters, why, this.#retrySeconds()).catch(
      // They become due when the claim expires.
      (reason: unknown) =>
        logger.debug(
          { error: messageOf(reason) },
          'postponing copies of dead letters failed; waiting for their claim to expire',
        ),
    );
  }

  #retrySeconds(): number {
    return Math.min(FIRST_RETRY_S * 2 ** Math.min(this.#failures, 10), MOST_RETRY_S);
  }

  /** Warns once per cause, however long it lasts. */
  #warnOnce(error: unknown): void {
    const cause = messageOf(error);
    if (cause === this.#lastCause) return;
    this.#lastCause = cause;
    const { logger, topic } = this.#options;
    const message = `copying dead letters to topic ${topic.name} failed; retrying`;
    logger.warn({ error: cause }, message);
  }

  #recovered(): void {
    this.#failures = 0;
    if (this.#lastCause === undefined) return;
    this.#lastCause = undefined;
    this.#options.logger.info(
      `copying dead letters to topic ${this.#options.topic.name} works again`,
    );
  }

  async #idle(): Promise<void> {
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([woken, this.#pause(POLL_MS)]);
    this.#wake = undefined;
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => {});
  }
}
