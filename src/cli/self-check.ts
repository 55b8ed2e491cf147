import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import type { WorkerMetrics } from '../http/metrics.ts';
import type { Database } from '../postgres/database.ts';
import { verifyBooks } from '../verify/verify.ts';

const EVERY_MS = 60_000;

/**
 * Has the worker do on itself, all the time, the part of `verify` that costs little: a break is seen
 * within a minute. A check that cannot be made is no check that holds: it warns, and the metric with
 * the age of the last check grows.
 *
 * @returns stops it
 */
export function startSelfCheck(
  database: Database,
  logger: Logger,
  metrics: WorkerMetrics,
  everyMs = EVERY_MS,
): () => void {
  // A database that hangs is not asked again meanwhile: each question would take a connection.
  let isChecking = false;
  const timer = setInterval(async () => {
    if (isChecking) return warn(logger, metrics, 'no answer yet');
    isChecking = true;
    await checkBooks(database, logger, metrics);
    isChecking = false;
  }, everyMs);
  return () => clearInterval(timer);
}

async function checkBooks(
  database: Database,
  logger: Logger,
  metrics: WorkerMetrics,
): Promise<void> {
  try {
    const breaks = await verifyBooks(database);
    metrics.booksChecked(breaks);
    for (const [check, count] of breaks) {
      if (count > 0)
        logger.error({ check, count }, 'the books do not balance; run: usage-ledger verify');
    }
  } catch (error) {
    warn(logger, metrics, messageOf(error));
  }
}

function warn(logger: Logger, metrics: WorkerMetrics, error: string): void {
  const lastCheckSeconds = Math.round(metrics.bookCheckAgeSeconds());
  logger.warn(
    { error, lastCheckSeconds },
    'the books could not be checked; it is tried again in a minute',
  );
}
