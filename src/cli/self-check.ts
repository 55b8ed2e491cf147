import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import type { BookMetrics } from '../http/metrics/book-metrics.ts';
import type { Database } from '../postgres/database.ts';
import { countOpen } from '../verify/open-decisions.ts';
import { verifyBooks } from '../verify/verify.ts';

const EVERY_MS = 60_000;

/**
 * Runs the inexpensive checks of `verify` once a minute. A check that cannot run does not count as
 * passed: it logs a warning, and the metric with the age of the last check grows.
 *
 * @returns a function that stops it
 */
export function startSelfCheck(
  database: Database,
  logger: Logger,
  metrics: BookMetrics,
  everyMs = EVERY_MS,
): () => void {
  // One check at a time: each would hold a connection to a database that hangs.
  let isChecking = false;
  const timer = setInterval(async () => {
    if (isChecking) return warn(logger, metrics, 'no answer yet');
    isChecking = true;
    await checkBooks(database, logger, metrics);
    isChecking = false;
  }, everyMs);
  return () => clearInterval(timer);
}

async function checkBooks(database: Database, logger: Logger, metrics: BookMetrics): Promise<void> {
  try {
    const breaks = await verifyBooks(database);
    metrics.checked(breaks, await countOpen(database));
    for (const [check, count] of breaks) {
      if (count > 0)
        logger.error({ check, count }, 'the books do not balance; run: usage-ledger verify');
    }
  } catch (error) {
    warn(logger, metrics, messageOf(error));
  }
}

function warn(logger: Logger, metrics: BookMetrics, error: string): void {
  const lastCheckSeconds = Math.round(metrics.ageSeconds);
  logger.warn({ error, lastCheckSeconds }, 'the books could not be checked; retrying in a minute');
}
