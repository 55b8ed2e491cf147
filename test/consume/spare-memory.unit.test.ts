import { expect, test } from 'vitest';
import { SpareMemory } from '../../src/consume/spare-memory.ts';

const MB = 1_048_576;

test('takes the place of memory that would be made anew, when it fits', () => {
  const spare = new SpareMemory();
  const first = spare.take(100_000);
  expect(first.byteLength).toBe(100_000);
  spare.give([first]);
  expect(spare.bytes).toBe(first.byteLength);
  expect(spare.take(first.byteLength + 1)).not.toBe(first);
  expect(spare.take(10_000)).not.toBe(first);
  expect(spare.take(80_000)).toBe(first);
  expect(spare.bytes).toBe(0);
  expect(spare.take(80_000)).not.toBe(first);
});

test('keeps what came last, and a bounded amount of it', () => {
  const spare = new SpareMemory();
  const memories = Array.from({ length: 40 }, () => new ArrayBuffer(MB));
  spare.give(memories);
  expect(spare.bytes).toBeLessThanOrEqual(8 * MB);
  expect(spare.bytes).toBeGreaterThan(0);
  expect(memories.indexOf(spare.take(MB))).toBeGreaterThanOrEqual(32);
  spare.give([new ArrayBuffer(100 * MB)]);
  expect(spare.bytes).toBeLessThanOrEqual(8 * MB);
});

test('little memory is just as little as it was asked for, and is not kept', () => {
  const spare = new SpareMemory();
  for (const bytes of [0, 1, 300, 4_000]) {
    const memory = spare.take(bytes);
    expect(memory.byteLength).toBe(bytes);
    spare.give([memory]);
  }
  expect(spare.bytes).toBe(0);
});
