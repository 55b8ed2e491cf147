import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Delivery, type DeliveryOptions } from '../src/delivery.ts';

type Send = DeliveryOptions['producer']['send'];

const event = (name: string) => ({ key: 'session', body: Buffer.from(name) });
const refusal = (type: string) => Object.assign(new Error(type), { type });
const never = () => new Promise<never>(() => {});

/** A delivery through a producer that answers as `send` does. */
function deliveryThrough(send: (names: string[]) => Promise<unknown>) {
  const batches: string[][] = [];
  const warnings: string[] = [];
  let abandoned = 0;
  const delivery = new Delivery({
    producer: {
      connect: async () => {},
      disconnect: async () => {},
      send: (async ({ messages }) => {
        const names = messages.map(({ value }) => String((value as Buffer).subarray(5)));
        batches.push(names);
        await send(names);
        return [];
      }) satisfies Send,
    },
    topic: 't',
    maxBytes: 1_000_000,
    schemaId: async () => 7,
    abandon: () => {
      abandoned += 1;
    },
    warn: (message) => warnings.push(message),
  });
  return { delivery, batches, warnings, abandoned: () => abandoned };
}

test('events that come together are sent together, and flush waits for the answer', async () => {
  const { delivery, batches } = deliveryThrough(async () => {});
  for (const name of 'abc') delivery.add(event(name));
  expect(await delivery.flush(10_000)).toBe(true);
  expect(batches).toEqual([['a', 'b', 'c']]);
  expect(delivery.stats).toEqual({ sent: 3, failed: 0, dropped: 0 });
});

test('of a refused batch only the event that is refused is lost', async () => {
  const { delivery, warnings } = deliveryThrough(async (names) => {
    if (names.includes('b')) throw refusal('MESSAGE_TOO_LARGE');
  });
  for (const name of 'abc') delivery.add(event(name));
  expect(await delivery.flush(10_000)).toBe(true);
  expect(delivery.stats).toEqual({ sent: 2, failed: 1, dropped: 0 });
  expect(warnings).toEqual(['a usage event was refused: MESSAGE_TOO_LARGE']);
});

test('an outage is warned of once, and what waits is sent after it', async () => {
  let failures = 2;
  const { delivery, batches, warnings } = deliveryThrough(async () => {
    failures -= 1;
    if (failures >= 0) throw new Error('connection refused');
  });
  delivery.add(event('a'));
  expect(await delivery.flush(10)).toBe(false);
  expect(await delivery.flush(10_000)).toBe(true);
  expect(batches).toEqual([['a'], ['a'], ['a']]);
  expect(warnings).toEqual(['usage events wait: connection refused']);
});

test('close gives up what no broker acknowledges, says how much, and ends every flush', async () => {
  const { delivery, abandoned } = deliveryThrough(never);
  for (const name of 'ab') delivery.add(event(name));
  const flushed = delivery.flush(60_000);
  expect(await delivery.close(50)).toBe(2);
  expect(await flushed).toBe(false);
  expect(abandoned()).toBe(1);
  expect(delivery.stats).toEqual({ sent: 0, failed: 0, dropped: 2 });
});

test('close ends at once when nothing waits, and what comes later is counted as dropped', async () => {
  const { delivery, batches, warnings, abandoned } = deliveryThrough(async () => {});
  expect(await delivery.close(60_000)).toBe(0);
  for (const name of 'ab') delivery.add(event(name));
  expect(delivery.stats).toEqual({ sent: 0, failed: 0, dropped: 2 });
  expect(abandoned()).toBe(0);
  await delay(50);
  expect(batches).toEqual([]);
  expect(warnings).toEqual(['a usage event came after close() and is dropped']);
});

test('an answer that comes after close is not counted a second time', async () => {
  let answer = () => {};
  const { delivery } = deliveryThrough(
    () =>
      new Promise<void>((resolve) => {
        answer = resolve;
      }),
  );
  delivery.add(event('a'));
  expect(await delivery.close(50)).toBe(1);
  answer();
  await delay(10);
  expect(delivery.stats).toEqual({ sent: 0, failed: 0, dropped: 1 });
});
