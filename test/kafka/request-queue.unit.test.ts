import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type RequestQueue, restWhenEmpty } from '../../src/kafka/request-queue.ts';

const require = createRequire(import.meta.url);
const FILE = require.resolve('kafkajs/src/network/requestQueue');
const NOW = Date.parse('2026-11-28T12:00:00Z');

interface Queue {
  push(request: object): void;
  fulfillRequest(answer: { correlationId: number; payload: object; size: number }): void;
  maybeThrottle(ms: number): void;
}

/** A class of its own, as kafkajs has it. */
function freshClass(): RequestQueue & (new (options: object) => Queue) {
  delete require.cache[FILE];
  return require(FILE);
}

function queueOf(Class: new (options: object) => Queue) {
  const sent: number[] = [];
  const logger = { debug: () => {}, error: () => {} };
  const queue = new Class({ requestTimeout: 30_000, clientId: '', broker: '', logger });
  const push = (correlationId: number) => {
    const entry = { correlationId, resolve: () => {}, reject: () => {} };
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) });
  };
  const answer = (correlationId: number) =>
    queue.fulfillRequest({ correlationId, payload: {}, size: 0 });
  return { queue, sent, push, answer };
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

test.each([
  ['as kafkajs has it, a queue looks for requests for ever', false, 1],
  ['a queue rests while no request waits', true, 0],
])('%s', (_, isPatched, timers) => {
  const Class = freshClass();
  if (isPatched) restWhenEmpty(Class);
  const { sent, push, answer } = queueOf(Class);
  push(1);
  answer(1);
  vi.advanceTimersByTime(1_000);
  expect([sent, vi.getTimerCount()]).toEqual([[1], timers]);
});

test('a request that a broker throttles is sent when the time is over, and the queue rests again', () => {
  const Class = freshClass();
  restWhenEmpty(Class);
  const { queue, sent, push, answer } = queueOf(Class);
  push(1);
  queue.maybeThrottle(200);
  answer(1);
  push(2);
  vi.advanceTimersByTime(199);
  expect(sent).toEqual([1]);
  vi.advanceTimersByTime(1);
  expect(sent).toEqual([1, 2]);
  answer(2);
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount()).toBe(0);
});
