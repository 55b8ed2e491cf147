import { expect, test } from 'vitest';
import type {
  BatchEntry,
  FetchedEntry,
  KafkaJsMessage,
} from '../../../../src/source/kafka/kafkajs/fetched-entry.ts';
import { FetchedPartition } from '../../../../src/source/kafka/kafkajs/fetched-partition.ts';

function batch(baseOffset: number, lastOffset: number, producerId = '-1'): BatchEntry {
  return {
    batch: {
      records: Buffer.alloc(0),
      isCompressed: false,
      count: 0,
      baseOffset,
      lastOffset,
      baseTimestamp: 0,
      appendTimestamp: undefined,
      producerId,
      isTransactional: producerId !== '-1',
    },
  };
}

function marker(offset: number, producerId: string, type: 'abort' | 'commit'): KafkaJsMessage {
  return {
    offset: String(offset),
    timestamp: '0',
    key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]),
    value: null,
    isControlRecord: true,
    batchContext: { producerId, inTransaction: true },
  };
}

function fetched(fromOffset: number, messages: readonly FetchedEntry[], aborted: object[] = []) {
  return new FetchedPartition('calls', String(fromOffset), {
    partition: 0,
    highWatermark: '100',
    messages,
    abortedTransactions: aborted as { producerId: string; firstOffset: string }[],
  });
}

test('batches before the offset that was asked for are left out, one around it is not', () => {
  const [before, around, after] = [batch(0, 9), batch(10, 19), batch(20, 29)];
  const partition = fetched(15, [before, around, after]);
  expect(partition.messages).toEqual([around, after]);
  expect([partition.firstOffset(), partition.lastOffset()]).toEqual(['15', '29']);
  expect([partition.offsetLagLow(), partition.offsetLag()]).toEqual(['84', '70']);
});

test('of transactions that were aborted at once nothing is left, but how far they were read', () => {
  const entries = [
    batch(0, 1, '1'),
    batch(2, 3, '2'),
    marker(4, '2', 'abort'),
    marker(5, '1', 'abort'),
  ];
  const aborted = [
    { producerId: '2', firstOffset: '2' },
    { producerId: '1', firstOffset: '0' },
  ];
  const partition = fetched(0, entries, aborted);
  expect(partition.messages).toEqual([]);
  expect(partition.lastOffset()).toBe('5');
  // Else it would not be delivered, and the worker would wait for these offsets.
  expect([partition.isEmpty(), partition.isEmptyDueToFiltering()]).toEqual([false, false]);
});

test('a transaction that was committed after an aborted one of its producer is kept', () => {
  const kept = batch(3, 4, '1');
  const entries = [batch(0, 1, '1'), marker(2, '1', 'abort'), kept, marker(5, '1', 'commit')];
  expect(fetched(0, entries, [{ producerId: '1', firstOffset: '0' }]).messages).toEqual([kept]);
});

test('a fetch that brought nothing is not delivered, and one that cannot be read stays where it is', () => {
  expect(fetched(7, []).isEmpty()).toBe(true);
  const unreadable = { why: 'its format is 3', firstOffset: 7, lastOffset: 7 };
  const partition = fetched(7, [{ unreadable }]);
  expect(partition.unreadable).toBe(unreadable);
  expect([partition.isEmpty(), partition.lastOffset()]).toEqual([false, '6']);
});

test('of an old format that was compacted away, the next fetch begins one offset later', () => {
  const old: KafkaJsMessage = { offset: '3', timestamp: '0', key: null, value: null };
  const partition = fetched(5, [old]);
  expect([partition.messages, partition.lastOffset()]).toEqual([[], '5']);
});
