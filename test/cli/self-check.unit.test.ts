import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startSelfCheck } from '../../src/cli/self-check.ts';
import type { Logger } from '../../src/config/logger.ts';
import { WorkerMetrics } from '../../src/http/metrics/worker-metrics.ts';
import type { Database } from '../../src/postgres/database.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A check of the books over a scripted database. */
function checked(query: () => Promise<{ rows: object[] }>) {
  const metrics = new WorkerMetrics(() => []);
  const warnings: object[] = [];
  const logger = { warn: (fields: object) => warnings.push(fields), error: () => {} };
  const stop = startSelfCheck(
    { query } as unknown as Database,
    logger as unknown as Logger,
    metrics.books,
  );
  const age = async () => {
    const text = await metrics.registry.getSingleMetricAsString(
      'usage_ledger_book_check_age_seconds',
    );
    return Number(/^usage_ledger_book_check_age_seconds (\S+)$/m.exec(text)?.[1]);
  };
  return { warnings, stop, age };
}

// It was logged for debugging only, and the gauge of breaks kept its last value.
test('a failed check of the books warns, and its age is exported', async () => {
  let isUp = true;
  const { warnings, stop, age } = checked(async () => {
    if (!isUp) throw new Error('canceling statement due to user request');
    return { rows: [] };
  });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(warnings).toEqual([]);
  expect(await age()).toBe(0);

  isUp = false;
  await vi.advanceTimersByTimeAsync(120_000);
  expect(await age()).toBe(120);
  expect(warnings).toEqual([
    { error: 'canceling statement due to user request', lastCheckSeconds: 60 },
    { error: 'canceling statement due to user request', lastCheckSeconds: 120 },
  ]);

  isUp = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await age()).toBe(0);
  stop();
});

test('a hanging check of the books uses one connection, warns, and its age grows', async () => {
  let asked = 0;
  const { stop, age, warnings } = checked(() => {
    asked += 1;
    return new Promise(() => {});
  });
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked).toBe(1);
  expect(await age()).toBe(600);
  expect(warnings.at(-1)).toEqual({ error: 'no answer yet', lastCheckSeconds: 600 });
  stop();
});
