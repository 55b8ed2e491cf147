import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { claimDeadLetters, noteDeadLetterCopies } from '../ledger/dead-letter-copies.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import type { Database } from '../postgres/database.ts';
import type { DeadLetterTopic, RefusedCopy } from './dead-letter-topic.ts';

/** How often to look for what another worker left, or what is to be tried again. */
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
 * claims letters of its own.
 *
 * 1. Claim: letters that are due become due again when the claim has run out.
 * 2. Send, and await the acknowledgement. A crash here: they are sent a second time.
 * 3. Note the result on the row: copied; refused for good; or to be tried again later.
 */
export class DeadLetterOutbox {
  readonly #options: OutboxOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;
  #failures = 0;
  #trouble: string | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** There is something to copy now. */
  wake(): void {
    this.#wake?.();
  }

  /** Copies what is left, as far as that works at once and within the time; then ends. */
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
        'leaving the dead-letter topic failed',
      );
    });
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      if (await this.#copySome()) continue;
      await (this.#failures > 0 ? this.#pause(this.#retrySeconds() * 1_000) : this.#idle());
    }
  }

  /** @returns whether there may be more to copy now */
  async #copySome(): Promise<boolean> {
    let letters: DeadLetterRow[] = [];
    try {
      letters = await claimDeadLetters(this.#options.database);
      if (letters.length === 0) return false;
      const refused = await this.#options.topic.copy(letters);
      await this.#noteResults(letters, refused);
      this.#recovered();
      return true;
    } catch (error) {
      this.#failures += 1;
      this.#complain(error);
      await this.#postpone(letters, error);
      return false;
    }
  }

  async #noteResults(
    letters: readonly DeadLetterRow[],
    refused: readonly RefusedCopy[],
  ): Promise<void> {
    const { database, logger, topic } = this.#options;
    const missing = new Set(refused.map(({ letter }) => letter));
    const copied = letters.filter((letter) => !missing.has(letter));
    await noteDeadLetterCopies(database, copied, null, null);
    for (const { letter, why } of refused) {
      await noteDeadLetterCopies(database, [letter], why, null);
      const { kafka_topic, kafka_partition, kafka_offset } = letter;
      logger.warn(
        { topic: kafka_topic, partition: kafka_partition, offset: kafka_offset, error: why },
        `a dead letter was not copied: topic ${topic.name} refuses it; its bytes are in dead_letter`,
      );
    }
  }

  /** To be tried again, by whichever worker comes first. */
  async #postpone(letters: readonly DeadLetterRow[], error: unknown): Promise<void> {
    const { database, logger } = this.#options;
    const why = messageOf(error);
    await noteDeadLetterCopies(database, letters, why, this.#retrySeconds()).catch(
      // Then they are due when the claim has run out.
      (reason: unknown) => logger.debug({ error: messageOf(reason) }, 'a claim is left to run out'),
    );
  }

  #retrySeconds(): number {
    return Math.min(FIRST_RETRY_S * 2 ** Math.min(this.#failures, 10), MOST_RETRY_S);
  }

  /** Once for each trouble, however long it lasts. */
  #complain(error: unknown): void {
    const trouble = messageOf(error);
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    const { logger, topic } = this.#options;
    const message = `dead letters are not copied to topic ${topic.name}; trying again`;
    logger.warn({ error: trouble }, message);
  }

  #recovered(): void {
    this.#failures = 0;
    if (this.#trouble === undefined) return;
    this.#trouble = undefined;
    this.#options.logger.info(`dead letters are copied to topic ${this.#options.topic.name} again`);
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
