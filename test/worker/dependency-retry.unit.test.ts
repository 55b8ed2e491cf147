import { expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { BatchPermits } from '../../src/worker/batch-permits.ts';
import { DependencyRetry, POSTGRES } from '../../src/worker/dependency-retry.ts';
import { PartitionProgress } from '../../src/worker/partition-progress.ts';
import { until } from '../support/until.ts';

const where = { topic: 'calls', partition: 0 };

// A transaction was begun for a partition that had been revoked while its loop waited for a permit.
test('there is no other attempt once it is aborted, also when a permit is waited for after the wait', async () => {
  const permits = new BatchPermits(1);
  const start = { nextOffset: 0, endOffset: 0, advancedAt: 0 };
  const progress = new PartitionProgress(where, start);
  const logger = createLogger('fatal');
  const retry = new DependencyRetry({ progress, permits, logger, isRunning: () => true });
  let attempts = 0;
  const work = async () => {
    attempts += 1;
    throw new Error('Connection terminated unexpectedly');
  };
  await permits.acquire();
  const running = retry.run(POSTGRES, work, true);
  // Another partition has the permit when the wait ends.
  await permits.acquire();
  await until('the permit is waited for again', () => permits.isContended);
  retry.abort();
  permits.release();
  await expect(running).rejects.toThrow('aborted');
  expect(attempts).toBe(1);
});
