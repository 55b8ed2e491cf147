import { afterEach, expect, test, vi } from 'vitest';
import type { Database } from '../../src/postgres/database.ts';
import { PositionWatch } from '../../src/worker/position-watch.ts';
import { onePartition } from '../support/memory-source/one-partition.ts';

afterEach(() => vi.useRealTimers());

test('polls do not pile up while a database does not answer', async () => {
  vi.useFakeTimers();
  const silent = () => new Promise<never>(() => {});
  const connect = vi.fn(silent);
  const poll = vi.fn(silent);
  const watch = new PositionWatch({
    source: onePartition(0).source,
    database: { connect } as unknown as Database,
    groupId: 'group',
    topics: ['calls'],
    loops: () => [],
    haltedPartitions: { poll },
    resync: () => {},
    restored: () => {},
  });
  watch.start();
  await vi.advanceTimersByTimeAsync(30_000);
  watch.stop();
  expect(connect).toHaveBeenCalledTimes(1);
  expect(poll).toHaveBeenCalledTimes(1);
});
