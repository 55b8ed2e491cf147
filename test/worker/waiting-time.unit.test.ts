import { expect, test } from 'vitest';
import { RecordBlock } from '../../src/records/record-block.ts';
import { WaitingTime } from '../../src/worker/waiting-time.ts';

const block = (...offsets: number[]) =>
  RecordBlock.of(
    offsets.map((offset) => ({ offset, timestamp: offset * 10, key: null, value: null })),
  );

test('the first record at or after the position is the one that waits', () => {
  const waiting = new WaitingTime();
  expect(waiting.since).toBeUndefined();
  waiting.fetched(block(), 5);
  waiting.fetched(block(4, 5, 7), 5);
  waiting.fetched(block(9, 12), 5);
  expect(waiting.since).toBe(50);
  waiting.appliedTo(6);
  expect(waiting.since).toBe(70);
  waiting.appliedTo(8);
  expect(waiting.since).toBe(90);
  waiting.appliedTo(13);
  expect(waiting.since).toBeUndefined();
});
