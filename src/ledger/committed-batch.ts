import type { Batch, DeadLetterMessage } from '../records/message.ts';
import type { SessionBatch } from './session-batch.ts';

/** The durable steps of a batch, in order; see `applyBatches`. */
export const BATCH_STEPS = [
  'begun',
  'fenced',
  'sessions_locked',
  'pages_written',
  'usage_added',
  'dead_letters_kept',
  'books_kept',
  'committed',
] as const;
export type BatchStep = (typeof BATCH_STEPS)[number];

/** A batch after its commit, for metrics. Its messages may be read only during the call. */
export interface CommittedBatch {
  readonly batch: Batch;
  /** Classified. */
  readonly sessions: readonly SessionBatch[];
  readonly deadLetters: readonly DeadLetterMessage[];
  /** Of its transaction; empty for all batches of a transaction but one. */
  readonly stepMs: StepMs;
}

/** How long each step took, in milliseconds. */
export type StepMs = ReadonlyMap<BatchStep, number>;

/** Measures the steps of a batch, each from the end of the one before. */
export class StepClock {
  readonly ms = new Map<BatchStep, number>();
  #last = performance.now();

  reached(step: BatchStep): void {
    const now = performance.now();
    this.ms.set(step, now - this.#last);
    this.#last = now;
  }
}
