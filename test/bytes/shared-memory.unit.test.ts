import { expect, test } from 'vitest';
import { SharedMemory } from '../../src/bytes/shared-memory.ts';

const MB = 1_048_576;

test('is reused for a request that fits', () => {
  const shared = new SharedMemory();
  const first = shared.take(100_000);
  expect(first.byteLength).toBeGreaterThanOrEqual(100_000);
  expect(first.byteLength).toBeLessThan(120_000);
  shared.give(first);
  expect(shared.spareBytes).toBe(first.byteLength);
  expect(shared.take(first.byteLength + 1)).not.toBe(first);
  expect(shared.take(10_000)).not.toBe(first);
  expect(shared.take(80_000)).toBe(first);
  expect(shared.spareBytes).toBe(0);
  expect(shared.take(80_000)).not.toBe(first);
});

test('keeps what came last, and a bounded amount of it', () => {
  const shared = new SharedMemory();
  const memories = Array.from({ length: 40 }, () => new SharedArrayBuffer(MB));
  for (const memory of memories) shared.give(memory);
  expect(shared.spareBytes).toBe(16 * MB);
  expect(memories.indexOf(shared.take(MB))).toBeGreaterThanOrEqual(24);
  shared.give(new SharedArrayBuffer(100 * MB));
  expect(shared.spareBytes).toBe(15 * MB);
});
