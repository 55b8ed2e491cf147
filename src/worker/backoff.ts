import { setTimeout as delay } from 'node:timers/promises';

const FIRST_MS = 100;
const MOST_MS = 5_000;

/**
 * Waits before the next attempt: twice as long each time up to five seconds, with jitter, so that
 * many workers do not come back at the same moment.
 *
 * @param attempt 0 for the wait after the first failure
 * @throws when `signal` is aborted
 */
export async function backOff(attempt: number, signal: AbortSignal): Promise<void> {
  const most = Math.min(FIRST_MS * 2 ** attempt, MOST_MS);
  await delay(most * (0.5 + Math.random() / 2), undefined, { signal });
}
