import { constants } from 'node:os';
import type { Logger } from '../config/logger.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const FIRST_PROCESS = 1;
/** Terminals and service managers signal the whole process group, and npm forwards a second copy. */
const COPIES_MS = 2_000;

/**
 * Lets SIGINT and SIGTERM end a command that has no handler of its own, in a container as well: the
 * kernel delivers to process 1 only those signals that it has a handler for.
 */
export function endOnSignals(pid: number = process.pid): void {
  if (pid !== FIRST_PROCESS) return;
  for (const signal of SIGNALS) process.on(signal, end);
}

function end(signal: NodeJS.Signals): void {
  process.exit(128 + constants.signals[signal]);
}

/**
 * Aborts on the first SIGINT or SIGTERM. Signals within the next two seconds are copies of it; a later
 * one ends the process at once, which loses nothing: what was not booked is read again.
 */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const signal of SIGNALS) {
    process.off(signal, end);
    process.on(signal, () => {
      if (!controller.signal.aborted) {
        first = performance.now();
        logger.info({ signal }, 'stopping');
        controller.abort();
      } else if (performance.now() - first > COPIES_MS) {
        process.exit(1);
      }
    });
  }
  return controller.signal;
}

/** The result of `work`, or `undefined` as soon as the signal is aborted, without waiting for `work`. */
export async function unlessStopped<T>(
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T | undefined> {
  // A rejection after the abort must not be unhandled.
  work.catch(() => {});
  return Promise.race([work, aborted(signal)]);
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
