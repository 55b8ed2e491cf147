import { afterEach, expect, test, vi } from 'vitest';
import type { Database } from '../../src/postgres/database.ts';
import { PositionWatch } from '../../src/worker/position-watch.ts';
import { ScriptedSource } from '../support/scripted-source.ts';

afterEach(() => vi.useRealTimers());

test('polls do not pile up while a database does not answer', async () => {
  vi.useFakeTimers();
  const silent = () => new Promise<never>(() => {});
  const connect = vi.fn(silent);
  const poll = vi.fn(silent);
  const watch = new PositionWatch({
    source: new ScriptedSource('calls', 0),
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
