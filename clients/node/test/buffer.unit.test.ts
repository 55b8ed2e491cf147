import { expect, test } from 'vitest';
import { EventBuffer, sizeOf } from '../src/buffer.ts';

const event = (name: string) => ({ key: 'k', body: Buffer.from(name) });
const SIZE = sizeOf(event('a'));
const names = (buffer: EventBuffer) =>
  buffer.hold(100, Number.POSITIVE_INFINITY).map(({ body }) => body.toString());

test('the oldest are dropped when the bound is reached', () => {
  const buffer = new EventBuffer(3 * SIZE);
  expect([...'abcde'].map((name) => buffer.add(event(name)))).toEqual([0, 0, 0, 1, 1]);
  expect(names(buffer)).toEqual(['c', 'd', 'e']);
});

test('what is being sent is not dropped, and stays when it was not sent', () => {
  const buffer = new EventBuffer(3 * SIZE);
  for (const name of 'abc') buffer.add(event(name));
  expect(buffer.hold(2, Number.POSITIVE_INFINITY)).toHaveLength(2);
  expect(buffer.add(event('d'))).toBe(1);
  buffer.release(false);
  expect(names(buffer)).toEqual(['a', 'b', 'd']);
  buffer.release(true);
  expect(buffer.length).toBe(0);
  expect(buffer.add(event('e'))).toBe(0);
});

test('an event larger than the buffer is dropped itself', () => {
  const buffer = new EventBuffer(SIZE);
  expect(buffer.add(event('too large'))).toBe(1);
  expect(buffer.length).toBe(0);
});

test('a batch holds at least one event, and no more bytes than were asked for', () => {
  const buffer = new EventBuffer(10 * SIZE);
  for (const name of 'abc') buffer.add(event(name));
  expect(buffer.hold(10, 1)).toHaveLength(1);
  expect(buffer.hold(10, 2 * SIZE)).toHaveLength(2);
});
