import { setTimeout as delay } from 'node:timers/promises';

const FIRST_MS = 100;
const MOST_MS = 5_000;

/**
 * Waits before the next attempt: twice as long each time up to five seconds, with jitter, so that
 * many workers do not return at the same moment.
 *
 * @param attempt 0 for the wait after the first failure
 * @throws when `signal` is aborted
 */
export async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(FIRST_MS * 2 ** attempt, MOST_MS);
  await delay(most * (0.5 + Math.random() / 2), undefined, { signal });
}

export interface RetryOptions {
  /** Reports a failure, and decides whether there is another attempt. */
  readonly mayRetry: (error: unknown, attempt: number) => boolean;
  /** Ends the wait between two attempts. */
  readonly signal: AbortSignal;
  /** Called instead of `backOff` alone, where a wait needs something around it. */
  readonly wait?: (backOff: () => Promise<void>) => Promise<void>;
}

/**
 * Attempts `work` until it succeeds.
 *
 * @throws its error when that may not be retried; when `signal` is aborted during a wait
 */
export async function retry<T>(work: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { mayRetry, signal, wait = (pause) => pause() } = options;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (!mayRetry(error, attempt)) throw error;
      await wait(() => backOff(attempt, signal));
      // Also when `wait` took longer than that.
      signal.throwIfAborted();
    }
  }
}
