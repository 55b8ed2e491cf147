import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * Waits for a state of the world, not for a time.
 *
 * @throws naming what was waited for, after `timeoutMs`
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await delay(POLL_MS);
  }
}
