import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sleepUntilWoken, wakeAll } from '../../src/consume/interruptible-sleep.ts';
import { receiveWholeBatches } from '../../src/consume/kafkajs-record-batches.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a sleep ends by itself', async () => {
  let isOver = false;
  const sleep = sleepUntilWoken(100).then(() => {
    isOver = true;
  });
  await vi.advanceTimersByTimeAsync(99);
  expect(isOver).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await sleep;
  wakeAll();
});

test('everybody who sleeps is woken, and leaves no timer behind', async () => {
  const sleeps = [sleepUntilWoken(100), sleepUntilWoken(1_000_000)];
  wakeAll();
  await Promise.all(sleeps);
  expect(vi.getTimerCount()).toBe(0);
});

test('it is how kafkajs sleeps, where its modules are replaced', () => {
  receiveWholeBatches();
  const require = createRequire(import.meta.url);
  expect(require('kafkajs/src/utils/sleep.js')).toBe(sleepUntilWoken);
});
