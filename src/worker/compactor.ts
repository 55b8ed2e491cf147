import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { type CompactionOptions, compactDue } from '../ledger/compact-sessions.ts';
import type { Database } from '../postgres/database.ts';
import { isTransient } from '../postgres/errors.ts';

export interface CompactorOptions extends Omit<CompactionOptions, 'signal'> {
  readonly database: Database;
  readonly logger: Logger;
  readonly onFailure: () => void;
}

const MOST_WAIT_MS = 10_000;
const LEAST_WAIT_MS = 250;

/**
 * Compacts sessions in the background, of whatever partition, one transaction at a time. No batch waits
 * for it, and nothing depends on it: what fails is logged, counted and tried again.
 */
export class Compactor {
  readonly #options: CompactorOptions;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** Stops after the transaction under way, which takes milliseconds. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { database, quietS } = this.#options;
    const waitMs = Math.min(Math.max(quietS * 250, LEAST_WAIT_MS), MOST_WAIT_MS);
    while (!signal.aborted) {
      // With jitter, so that workers that start together take turns.
      await delay(waitMs * (0.5 + Math.random() / 2), undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      try {
        await compactDue(database, { ...this.#options, signal });
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  #failed(error: unknown): void {
    const { logger, onFailure } = this.#options;
    onFailure();
    const fields = { error: messageOf(error) };
    const what = 'pages of quiet sessions were not merged; trying again';
    if (isTransient(error)) logger.warn(fields, what);
    else logger.error(fields, what);
  }
}
