import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { restWhenEmpty } from '../src/request-queue.ts';

const require = createRequire(import.meta.url);
const RequestQueue = require('kafkajs/src/network/requestQueue');

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('between two requests no timer of a connection runs, and one that must wait is sent in time', () => {
  restWhenEmpty();
  restWhenEmpty();
  const sent: number[] = [];
  const logger = { debug: () => {} };
  const queue = new RequestQueue({ requestTimeout: 30_000, clientId: '', broker: '', logger });
  const push = (correlationId: number) => {
    const entry = { correlationId, resolve: () => {}, reject: () => {} };
    queue.push({ entry, expectResponse: true, sendRequest: () => sent.push(correlationId) });
  };
  push(1);
  queue.fulfillRequest({ correlationId: 1, payload: {}, size: 0 });
  vi.advanceTimersByTime(1_000);
  expect(vi.getTimerCount()).toBe(0);
  queue.maybeThrottle(200);
  push(2);
  vi.advanceTimersByTime(200);
  expect(sent).toEqual([1, 2]);
});
