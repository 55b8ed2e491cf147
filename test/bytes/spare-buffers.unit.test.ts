import { expect, test } from 'vitest';
import { SpareBuffers } from '../../src/bytes/spare-buffers.ts';

test('a buffer that was given back is taken again', () => {
  const buffers = new SpareBuffers();
  const first = buffers.take(100);
  expect(first.length).toBe(100);
  buffers.give(first);
  expect(buffers.take(80)).toBe(first);
});

test('nobody gets a buffer that another one has', () => {
  const buffers = new SpareBuffers();
  const first = buffers.take(100);
  expect(buffers.take(100)).not.toBe(first);
});

test('one that is too small is replaced', () => {
  const buffers = new SpareBuffers();
  const small = buffers.take(100);
  buffers.give(small);
  const large = buffers.take(101);
  expect(large.length).toBe(101);
  buffers.give(large);
  expect(buffers.take(1)).toBe(large);
});

test('one of more than 8 MiB is not kept', () => {
  const buffers = new SpareBuffers();
  const large = buffers.take(8 * 1_048_576 + 1);
  buffers.give(large);
  expect(buffers.take(1)).not.toBe(large);
});
