import type { Logger } from '../config/logger.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/**
 * Aborts on the first SIGINT or SIGTERM. A second one ends the process at once: nothing is lost by
 * that, what was not booked is read again.
 */
export function shutdownSignal(logger: Logger): AbortSignal {
  const controller = new AbortController();
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(1);
      logger.info({ signal }, 'stopping');
      controller.abort();
    });
  }
  return controller.signal;
}
