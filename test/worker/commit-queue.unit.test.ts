import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import type { CommittedPosition } from '../../src/source/partition-source.ts';
import { CommitQueue } from '../../src/worker/commit-queue.ts';
import { HeldCalls } from '../support/memory-source/held-calls.ts';
import { MemoryBroker } from '../support/memory-source/memory-broker.ts';
import { MemorySource } from '../support/memory-source/memory-source.ts';

const where = { topic: 'calls', partition: 0 };
const turn = () => vi.advanceTimersByTimeAsync(500);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A queue whose commits the test ends, with what they asked for. */
function queueOf() {
  const calls = new HeldCalls();
  calls.hold();
  const source = new MemorySource({
    broker: new MemoryBroker(),
    groupId: 'group',
    topics: ['calls'],
    calls,
  });
  const tried: number[][] = [];
  const commit = source.commit.bind(source);
  source.commit = (positions: readonly CommittedPosition[]) => {
    tried.push(positions.map(({ nextOffset }) => nextOffset));
    return commit(positions);
  };
  return { queue: new CommitQueue(source, createLogger('fatal')), calls, tried };
}

// The copy of a quiet partition stayed low until the next event.
test('a copy that failed is tried again', async () => {
  const { queue, calls, tried } = queueOf();
  queue.note(where, 5, 0);
  await turn();
  calls.held[0]?.end('refused');
  await turn();
  expect(tried).toEqual([[5], [5]]);
});

test('a copy that failed is not tried again when there is a newer one', async () => {
  const { queue, calls, tried } = queueOf();
  queue.note(where, 5, 0);
  await turn();
  queue.note(where, 6, 0);
  calls.held[0]?.end('refused');
  await turn();
  expect(tried).toEqual([[5], [6]]);
});

test('a copy that fails after the partitions were revoked is not tried again', async () => {
  const { queue, calls, tried } = queueOf();
  queue.note(where, 5, 0);
  await turn();
  queue.clear();
  calls.held[0]?.end('refused');
  await turn();
  expect(tried).toEqual([[5]]);
});
