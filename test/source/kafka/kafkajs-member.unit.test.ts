import type { Kafka } from 'kafkajs';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../../src/config/logger.ts';
import { KafkaJsMember } from '../../../src/source/kafka/kafkajs-member.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** A cluster whose topics come and go, and consumers that do what the test says. */
class FakeKafka {
  readonly present = new Set(['a', 'b']);
  readonly consumers: FakeConsumer[] = [];
  /** What the next consumers wait for when they join, and when they leave. */
  joins: () => Promise<void> = async () => {};
  leaves: () => Promise<void> = async () => {};

  consumer(): FakeConsumer {
    const consumer = new FakeConsumer(this);
    this.consumers.push(consumer);
    return consumer;
  }

  admin() {
    return {
      connect: async () => {},
      disconnect: async () => {},
      fetchTopicMetadata: async ({ topics: [topic] }: { topics: string[] }) => {
        if (!this.present.has(topic ?? '')) throw missing();
      },
    };
  }
}

class FakeConsumer {
  readonly events = {
    GROUP_JOIN: 'join',
    REBALANCING: 'rebalancing',
    CRASH: 'crash',
    END_BATCH_PROCESS: 'end',
  };
  readonly #kafka: FakeKafka;
  readonly #listeners = new Map<string, (event: object) => void>();
  topics: string[] = [];

  constructor(kafka: FakeKafka) {
    this.#kafka = kafka;
  }
  on(event: string, listener: (event: object) => void): void {
    this.#listeners.set(event, listener);
  }
  crash(): void {
    this.#listeners.get('crash')?.({ payload: { error: new Error('it gave up') } });
  }
  async connect(): Promise<void> {}
  async subscribe({ topics }: { topics: string[] }): Promise<void> {
    this.topics = topics;
  }
  async run(): Promise<void> {
    if (this.topics.some((topic) => !this.#kafka.present.has(topic))) throw missing();
    await this.#kafka.joins();
  }
  async disconnect(): Promise<void> {
    await this.#kafka.leaves();
  }
}

function missing(): Error {
  return Object.assign(new Error('no such topic'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
}

/** A promise that the test settles. */
function gate() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

const LOOK_MS = 10_000;

function memberOf(kafka: FakeKafka): KafkaJsMember {
  return new KafkaJsMember({
    kafka: kafka as unknown as Kafka,
    groupId: 'group',
    topics: ['a', 'b'],
    sessionTimeoutMs: 30_000,
    logger: createLogger('fatal'),
  });
}

const listener = {
  assigned() {},
  revoked() {},
  fetched: () => undefined,
  unreadable() {},
  missing() {},
};

async function stopped(member: KafkaJsMember): Promise<void> {
  const end = member.stop();
  await vi.advanceTimersByTimeAsync(5_000);
  await end;
}

test('a topic that comes back while a join is under way is read', async () => {
  const kafka = new FakeKafka();
  kafka.present.delete('b');
  const member = memberOf(kafka);
  await member.start(listener);
  const join = gate();
  kafka.joins = () => join.promise;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(kafka.consumers.map(({ topics }) => topics)).toEqual([['a', 'b'], ['a']]);

  kafka.present.add('b');
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  expect(kafka.consumers).toHaveLength(2);
  join.resolve();
  await vi.advanceTimersByTimeAsync(LOOK_MS);

  expect(kafka.consumers.slice(2).map(({ topics }) => topics)).toEqual([['a', 'b']]);
  await stopped(member);
});

test('a consumer that crashes while it leaves for a topic is followed by one other', async () => {
  const kafka = new FakeKafka();
  kafka.present.delete('b');
  const member = memberOf(kafka);
  await member.start(listener);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(kafka.consumers).toHaveLength(2);

  const leave = gate();
  kafka.leaves = () => leave.promise;
  kafka.present.add('b');
  await vi.advanceTimersByTimeAsync(LOOK_MS - 1_000);
  kafka.consumers[1]?.crash();
  leave.resolve();
  await vi.advanceTimersByTimeAsync(LOOK_MS);

  expect(kafka.consumers).toHaveLength(3);
  await stopped(member);
});

test('a consumer that crashes while it joins is followed by another when the join is done', async () => {
  const kafka = new FakeKafka();
  const join = gate();
  kafka.joins = () => join.promise;
  const member = memberOf(kafka);
  const start = member.start(listener);
  await vi.advanceTimersByTimeAsync(0);
  kafka.consumers[0]?.crash();
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  expect(kafka.consumers).toHaveLength(1);
  join.resolve();
  await start;
  await vi.advanceTimersByTimeAsync(LOOK_MS);

  expect(kafka.consumers).toHaveLength(2);
  await stopped(member);
});
