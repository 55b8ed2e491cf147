import type { Logger } from '../config/logger.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** A terminal and a service manager signal the whole process group, and npm passes on what it gets. */
const COPIES_MS = 2_000;

/**
 * Aborts on the first SIGINT or SIGTERM. What comes within two seconds of it is the same wish, in
 * copies; a later signal ends the process at once: nothing is lost by that, what was not booked is
 * read again.
 */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  let first = 0;
  for (const signal of SIGNALS) {
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

/** What `work` gives, or `undefined` as soon as the signal is aborted; `work` is then not waited for. */
export async function unlessStopped<T>(
  signal: AbortSignal,
  work: Promise<T>,
): Promise<T | undefined> {
  // Whatever becomes of it after that is of no interest.
  work.catch(() => {});
  return Promise.race([work, aborted(signal)]);
}

/** Settles when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
