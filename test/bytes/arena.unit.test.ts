import { expect, test } from 'vitest';
import { Arena } from '../../src/bytes/arena.ts';

test('arrays lie after each other in one memory, each where its numbers may begin', () => {
  const memory = new SharedArrayBuffer(64);
  const room = new Arena(memory);
  const bytes = room.uint8(3);
  const halves = room.uint16(3);
  const words = room.int32(3);
  const numbers = room.float64(2);
  for (const array of [bytes, halves, words, numbers]) expect(array.buffer).toBe(memory);
  expect([bytes, halves, words, numbers].map(({ byteOffset }) => byteOffset)).toEqual([
    0, 8, 16, 32,
  ]);
  expect(room.end).toBe(48);
});

test('what does not fit gets memory of its own, and what is smaller still fits', () => {
  const memory = new SharedArrayBuffer(16);
  const room = new Arena(memory, 8);
  expect(room.int32(3).buffer).not.toBe(memory);
  expect(room.int32(2).buffer).toBe(memory);
  expect(room.uint8(1).buffer).not.toBe(memory);
  expect(Arena.none.float64(2)).toEqual(new Float64Array(2));
});
