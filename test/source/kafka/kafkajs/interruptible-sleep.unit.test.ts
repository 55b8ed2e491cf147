import type { Kafka } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../../../src/config/logger.ts';
import {
  sleepUntilWoken,
  wakeAll,
} from '../../../../src/source/kafka/kafkajs/interruptible-sleep.ts';
import { KafkaJsMember } from '../../../../src/source/kafka/kafkajs-member.ts';

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

test('everybody who sleeps is woken, and no timer is left', async () => {
  const sleeps = [sleepUntilWoken(100), sleepUntilWoken(1_000_000)];
  wakeAll();
  await Promise.all(sleeps);
  expect(vi.getTimerCount()).toBe(0);
});

test('a partition that is resumed is a reason to wake', async () => {
  const member = new KafkaJsMember({
    kafka: {} as Kafka,
    groupId: 'group',
    topics: ['calls'],
    sessionTimeoutMs: 6_000,
    logger: createLogger('fatal'),
  });
  const sleep = sleepUntilWoken(1_000_000);
  member.resume({ topic: 'calls', partition: 0 });
  await sleep;
});
