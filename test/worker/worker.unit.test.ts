import { afterEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import type { ApplyResult } from '../../src/ledger/ledger.ts';
import type { Database } from '../../src/postgres/database.ts';
import { packRecords, RecordBlock } from '../../src/records/record-block.ts';
import type { PartitionSource } from '../../src/source/partition-source.ts';
import { Worker } from '../../src/worker/worker.ts';
import { fakeDatabase, positionRow } from '../support/fake-database.ts';
import { MemoryBroker } from '../support/memory-source/memory-broker.ts';
import { MemorySource } from '../support/memory-source/memory-source.ts';
import { onePartition } from '../support/memory-source/one-partition.ts';
import { until } from '../support/until.ts';

let worker: Worker;
afterEach(async () => {
  vi.useRealTimers();
  await worker.stop(1_000);
});

const APPLIED: ApplyResult = {
  status: 'applied',
  counts: { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 },
  otherAccounts: 0,
};

function workerOver(
  source: PartitionSource,
  database: Database,
  apply: () => Promise<ApplyResult> = async () => APPLIED,
): Worker {
  return new Worker({
    groupId: 'group',
    topics: ['calls'],
    source,
    database,
    ledger: {
      apply,
      forget() {},
    },
    schemas: new SchemaCache(() => Promise.reject(new Error('nothing to ask for'))),
    logger: createLogger('fatal'),
    concurrentBatches: 1,
    maxEvents: 5_000,
    bufferBytes: 10_000_000,
    deadLetterLimit: 0.2,
  });
}

test('a halt that could not be stored ends when the partition is assigned elsewhere', async () => {
  const { source, sought, assign, topicId } = onePartition(0);
  const { database } = fakeDatabase({
    read_positions: () => [positionRow({ next_offset: '0', topic_id: topicId() })],
    note_halt: () => {
      throw new Error('the database is read-only');
    },
  });
  worker = workerOver(source, database);
  const state = () => worker.status()[0]?.state;
  await worker.start();
  await until('it is sought', () => sought.length === 1);
  const records = Array.from({ length: 1_000 }, (_, offset) => ({
    offset,
    timestamp: 0,
    key: null,
    value: Buffer.from('not an event'),
  }));
  void worker.fetched({
    topic: 'calls',
    partition: 0,
    fromOffset: 0,
    nextOffset: 1_000,
    records: new RecordBlock(packRecords(records)),
    endOffset: 1_000,
  });
  await until('it halts', () => state() === 'halted');
  // A rebalance that assigns it here again does not end it.
  assign();
  await until('it halts again', () => state() === 'halted');
  expect(sought).toEqual([0]);

  assign([]);
  await until('it is revoked', () => worker.status().length === 0);
  assign();
  await until('it has started', () => state() === 'halted' || sought.length === 2);
  expect(state()).not.toBe('halted');
});

test('nothing is recorded for a running partition when the lookup of another one is retried', async () => {
  let lookups = 0;
  const broker = new MemoryBroker();
  broker.createTopic('calls', 2);
  const source = new MemorySource({ broker, groupId: 'group', topics: ['calls'] });
  source.bounds = async () => {
    lookups += 1;
    const bounds = { earliest: 0, latest: 20 };
    return new Map([[0, bounds], ...(lookups === 1 ? [] : [[1, bounds] as const])]);
  };
  const { database, ran } = fakeDatabase({
    read_positions: () =>
      [0, 1].map((partition) => positionRow({ partition, next_offset: '20', topic_id: null })),
  });
  worker = workerOver(source, database);
  await worker.start();
  const isRunning = () => worker.status().filter(({ state }) => state === 'running').length;
  await until('both run', () => isRunning() === 2);
  expect(lookups).toBe(2);
  expect(ran.filter((name) => name === 'name_generation')).toHaveLength(2);
});

test('a rebalance during the drain of a worker that stops starts nothing', async () => {
  const { source, sought, assign, topicId } = onePartition(20);
  let answer: (result: ApplyResult) => void = () => {};
  const { database } = fakeDatabase({
    read_positions: () => [positionRow({ next_offset: '0', topic_id: topicId() })],
  });
  worker = workerOver(source, database, () => new Promise((resolve) => (answer = resolve)));
  await worker.start();
  await until('it is applied', () => worker.status()[0]?.lag === 20);
  const stopped = worker.stop(1_000);
  assign();
  answer(APPLIED);
  await stopped;
  expect(sought).toEqual([0]);
  expect(worker.status()).toEqual([]);
});

// The copy went back to before that of the next owner, and stayed there in a quiet partition.
test('a batch that ends after its partition was revoked is not copied to the broker', async () => {
  const broker = new MemoryBroker();
  broker.createTopic('calls', 1);
  broker.log({ topic: 'calls', partition: 0 }).append([{ value: null }]);
  const source = new MemorySource({ broker, groupId: 'group', topics: ['calls'] });
  let answer: ((result: ApplyResult) => void) | undefined;
  const { id: topic_id } = broker.topic('calls');
  const { database } = fakeDatabase({
    read_positions: () => [positionRow({ next_offset: '0', topic_id })],
  });
  const group = broker.group('group');
  group.committed.set('calls/0', { nextOffset: 0, metadata: '' });
  worker = workerOver(source, database, () => new Promise((resolve) => (answer = resolve)));
  await worker.start();
  await until('it is applied', () => answer !== undefined);
  group.assign(new Map());
  await until('the partition is revoked', () => worker.status().length === 0);
  answer?.(APPLIED);
  await worker.stop(1_000);
  expect(group.committed.get('calls/0')?.nextOffset).toBe(0);
});

test('a poll that ends after the worker has stopped starts nothing', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const { source, topicId } = onePartition(20);
  const { database } = fakeDatabase({
    read_positions: () => [positionRow({ next_offset: '20', topic_id: topicId() })],
  });
  worker = workerOver(source, database);
  await worker.start();
  await until('it runs', () => worker.status()[0]?.state === 'running');
  let answer: (topicId: string) => void = () => {};
  source.topicId = () => new Promise((resolve) => (answer = resolve));
  vi.advanceTimersByTime(1_000);
  await worker.stop(1_000);
  answer('another id');
  await new Promise((resolve) => setImmediate(resolve));
  expect(worker.status()).toMatchObject([{ state: 'running', position: 20 }]);
});
