import { expect, test } from 'vitest';
import type { Logger } from '../../src/config/logger.ts';
import type { Database } from '../../src/postgres/database.ts';
import { Compactor } from '../../src/worker/compactor.ts';
import { until } from '../support/until.ts';

/** A compactor whose database cannot be reached. */
function failing(error: Error) {
  const logged: string[] = [];
  let failures = 0;
  const database = { connect: () => Promise.reject(error), noteError: () => {} };
  const compactor = new Compactor({
    database: database as unknown as Database,
    logger: {
      warn: () => logged.push('warn'),
      error: () => logged.push('error'),
    } as unknown as Logger,
    quietS: 1,
    maxPagesPerS: 1_000,
    onCompacted: () => {},
    onFailure: () => {
      failures += 1;
    },
  });
  return { compactor, logged, failures: () => failures };
}

test('a compactor tries again after a failure, which it logs and counts', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const { compactor, logged, failures } = failing(refused);
  compactor.start();
  await until('it has tried twice', () => failures() >= 2);
  await compactor.stop();
  expect(new Set(logged)).toEqual(new Set(['warn']));
});

test('a failure that is no outage is logged as an error', async () => {
  const { compactor, logged, failures } = failing(new Error('does not know the columns'));
  compactor.start();
  await until('it has tried', () => failures() >= 1);
  await compactor.stop();
  expect(logged[0]).toBe('error');
});

test('a compactor that waits for its next attempt stops at once', async () => {
  const { compactor, failures } = failing(new Error('not reached'));
  compactor.start();
  await compactor.stop();
  expect(failures()).toBe(0);
});
