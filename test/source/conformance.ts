import { afterEach, beforeEach, expect, test } from 'vitest';
import { kindOf } from '../../src/records/columns.ts';
import type { TopicPartition } from '../../src/records/topic-partition.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import type {
  FetchedBatch,
  PartitionSource,
  SourceListener,
  UnreadablePart,
} from '../../src/source/partition-source.ts';
import { envelope, framed, SCHEMA_ID, written } from '../decode/avro/wire.ts';
import { llm } from '../identify/samples.ts';
import { until } from '../support/until.ts';

export interface SentMessage {
  readonly partition: number;
  readonly key?: string;
  readonly value: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Transaction {
  send(messages: readonly SentMessage[]): Promise<void>;
  end(how: 'commit' | 'abort'): Promise<void>;
}

/** The brokers that a source reads from, and producers that send to them. */
export interface SourceWorld {
  freshTopic(partitions: number): Promise<string>;
  create(groupId: string, topic: string): PartitionSource;
  send(topic: string, messages: readonly SentMessage[], compression?: 'gzip'): Promise<void>;
  /** Begins a transaction of the producer of that name. */
  begin(topic: string, producer: string): Promise<Transaction>;
}

/** Notes what a source calls, and begins each assigned partition where the test says. */
class Recorder implements SourceListener {
  readonly assignments: (readonly TopicPartition[])[] = [];
  readonly batches: FetchedBatch[] = [];
  readonly refused: UnreadablePart[] = [];
  revocations = 0;
  onAssigned: (partitions: readonly TopicPartition[]) => void = () => {};
  onFetched: () => void = () => {};

  assigned(partitions: readonly TopicPartition[]): void {
    this.assignments.push(partitions);
    this.onAssigned(partitions);
  }
  revoked(): void {
    this.revocations += 1;
  }
  fetched(batch: FetchedBatch): undefined {
    this.batches.push(batch);
    this.onFetched();
  }
  unreadable(part: UnreadablePart): void {
    this.refused.push(part);
  }
  missing(): void {}
  offsets(partition = 0): number[] {
    return this.batches
      .filter((batch) => batch.partition === partition)
      .flatMap(({ records }) => range(0, records.size).map((i) => records.offsetAt(i)));
  }
  next(partition = 0): number {
    return this.batches.findLast((batch) => batch.partition === partition)?.nextOffset ?? 0;
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

/** The contract of `PartitionSource`, for any implementation of it. */
export function conformance(world: SourceWorld): void {
  const sources: PartitionSource[] = [];
  let topic: string;
  let groupId: string;

  beforeEach(async () => {
    topic = await world.freshTopic(2);
    groupId = `group-${topic}`;
  });
  afterEach(async () => {
    await Promise.all(sources.splice(0).map((source) => source.stop()));
  });

  function create(): PartitionSource {
    const source = world.create(groupId, topic);
    sources.push(source);
    return source;
  }

  async function produce(count: number, partition = 0, text = 'value'): Promise<void> {
    const messages = range(0, count).map((i) => ({ partition, key: 'key', value: `${text} ${i}` }));
    await world.send(topic, messages);
  }

  async function started(from: number): Promise<{ source: PartitionSource; seen: Recorder }> {
    const source = create();
    const seen = new Recorder();
    seen.onAssigned = (partitions) => {
      for (const where of partitions) {
        source.seek(where, where.partition === 0 ? from : 0);
        source.resume(where);
      }
    };
    await source.start(seen);
    return { source, seen };
  }

  test('assigns every partition to the only member, and delivers nothing before seek and resume', async () => {
    await produce(5);
    const source = create();
    const seen = new Recorder();
    await source.start(seen);
    await until('partitions are assigned', () => seen.assignments.length > 0);
    expect(seen.assignments[0]?.map(({ partition }) => partition).sort()).toEqual([0, 1]);

    // Partition 1 has begun and delivers: partition 0, which has records too, delivers nothing.
    await produce(3, 1);
    source.seek({ topic, partition: 1 }, 0);
    source.resume({ topic, partition: 1 });
    await until('partition 1 is delivered', () => seen.offsets(1).length === 3);
    expect(seen.offsets(0)).toEqual([]);
  });

  test('delivers records in order from the offset that was sought, without a gap', async () => {
    await produce(50);
    const { seen } = await started(20);
    await until('all is delivered', () => seen.next() >= 50);
    await produce(10);
    await until('more is delivered', () => seen.next() >= 60);

    expect(seen.offsets()).toEqual(range(20, 60));
    let expected = 20;
    for (const batch of seen.batches.filter(({ partition }) => partition === 0)) {
      expect(batch.fromOffset).toBe(expected);
      expect(batch.endOffset).toBeGreaterThanOrEqual(batch.nextOffset);
      expected = batch.nextOffset;
    }
  });

  test('resumes without a gap or a repetition after pause and resume', async () => {
    await produce(10);
    const { source, seen } = await started(0);
    await until('the first records are delivered', () => seen.next() >= 10);
    source.pause({ topic, partition: 0 });
    await produce(10);
    // Partition 1 passes by: whatever was under way for partition 0 has come by then.
    await produce(1, 1);
    await until('partition 1 is delivered', () => seen.next(1) >= 1);
    source.resume({ topic, partition: 0 });
    await until('the rest is delivered', () => seen.next() >= 20);

    expect(seen.offsets()).toEqual(range(0, 20));
  });

  test('delivers again after seeking back', async () => {
    await produce(10);
    const { source, seen } = await started(0);
    await until('all is delivered', () => seen.next() >= 10);
    source.seek({ topic, partition: 0 }, 4);
    await until('it is delivered again', () => seen.offsets().length >= 16);

    expect(seen.offsets()).toEqual([...range(0, 10), ...range(4, 10)]);
    expect(seen.batches.findLast(({ partition }) => partition === 0)?.nextOffset).toBe(10);
  });

  test('delivers nothing from before a seek, not even what was fetched by then', async () => {
    const large = 'x'.repeat(50_000);
    for (let i = 0; i < 12; i += 1) await produce(1, 0, large);
    const { source, seen } = await started(0);
    let sought: number | undefined;
    seen.onFetched = () => {
      if (sought !== undefined) return;
      sought = seen.batches.length;
      // The caller is busy: more is fetched meanwhile, and must not come after the seek.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
      source.seek({ topic, partition: 0 }, 0);
    };
    await until('all is delivered after the seek', () => seen.next() >= 12);

    expect(seen.batches.slice(sought)[0]?.fromOffset).toBe(0);
  });

  test('gives the bounds of every partition, and what the group has committed, with its metadata', async () => {
    await produce(7);
    const { source, seen } = await started(0);
    await until('all is delivered', () => seen.next() >= 7);

    expect(await source.bounds(topic)).toEqual(
      new Map([
        [0, { earliest: 0, latest: 7 }],
        [1, { earliest: 0, latest: 0 }],
      ]),
    );
    expect(await source.logEnds(topic)).toEqual(
      new Map([
        [0, 7],
        [1, 0],
      ]),
    );
    expect((await source.committed(topic)).get(0)?.nextOffset).toBeUndefined();
    await source.commit([{ topic, partition: 0, nextOffset: 5, metadata: 'by us' }]);
    expect((await source.committed(topic)).get(0)).toEqual({ nextOffset: 5, metadata: 'by us' });
    expect((await source.committed(topic)).get(1)?.nextOffset).toBeUndefined();
  });

  test('moves past control records of transactions, and does not deliver what was aborted', async () => {
    for (const end of ['commit', 'abort'] as const) {
      const transaction = await world.begin(topic, 'one');
      await transaction.send(range(0, 3).map(() => ({ partition: 0, value: end })));
      await transaction.end(end);
    }
    const { source, seen } = await started(0);
    // commit: records 0 to 2 and marker 3; abort: records 4 to 6 and marker 7.
    await until('the end is reached', () => seen.next() >= 8);
    expect(seen.offsets()).toEqual([0, 1, 2]);
    await source.stop();

    // All that is fetched was aborted: it begins where it was asked to, all the same.
    const again = await started(4);
    await until('the end is reached again', () => again.seen.next() >= 8);
    expect(again.seen.offsets()).toEqual([]);
    const [batch] = again.seen.batches.filter(({ partition }) => partition === 0);
    expect(batch).toMatchObject({ fromOffset: 4, nextOffset: 8 });
  });

  test('delivers nothing of transactions that were open at the same time and aborted', async () => {
    const transactions = [await world.begin(topic, 'one'), await world.begin(topic, 'other')];
    // Records 0 to 5, in turns.
    for (let i = 0; i < 6; i += 1) {
      await transactions[i % 2]?.send([{ partition: 0, value: `${i}` }]);
    }
    // In the other order than they were begun; markers 6 and 7.
    for (const transaction of transactions.reverse()) await transaction.end('abort');
    await produce(1);
    // The first record that is fetched is not of the transaction that ended first.
    const { seen } = await started(4);
    await until('the end is reached', () => seen.next() >= 9);

    expect(seen.offsets()).toEqual([8]);
  });

  test('delivers what was compressed, and its headers', async () => {
    const messages = range(0, 30).map((i) => ({
      partition: 0,
      value: `value ${i}`,
      headers: { session_id: `call ${i}` },
    }));
    await world.send(topic, messages, 'gzip');
    const { seen } = await started(10);
    await until('the end is reached', () => seen.next() >= 30);

    expect(seen.offsets()).toEqual(range(10, 30));
    const [batch] = seen.batches.filter(({ partition }) => partition === 0);
    expect(String(batch?.records.valueAt(0))).toBe('value 10');
    expect(String(batch?.records.headersAt(0)['session_id'])).toBe('call 10');
  });

  test('reads ahead once the schema is registered', async () => {
    const { source, seen } = await started(0);
    const send = () => world.send(topic, [{ partition: 0, value: event }]);
    const event = framed(written(loadEnvelopeSchema(), envelope(llm())));
    await send();
    await until('the first is delivered', () => seen.next() >= 1);
    source.registerSchema(SCHEMA_ID, loadEnvelopeSchema());
    await send();
    await until('the second is delivered', () => seen.next() >= 2);

    const columns = seen.batches
      .filter(({ partition, records }) => partition === 0 && records.size > 0)
      .map(({ records }) => records.columns);
    expect(columns[0]).toBeUndefined();
    expect([...(columns[1]?.kinds ?? [])]).toEqual([kindOf('llm_metrics')]);
  });

  test('shares the partitions out when a second member joins, and gives them back when it leaves', async () => {
    await produce(4);
    const first = await started(0);
    await until('the first has all', () => first.seen.assignments.at(-1)?.length === 2);

    const second = await started(0);
    await until(
      'each has one partition',
      () =>
        first.seen.assignments.at(-1)?.length === 1 && second.seen.assignments.at(-1)?.length === 1,
    );
    const both = [first, second].flatMap(({ seen }) => seen.assignments.at(-1) ?? []);
    expect(both.map(({ partition }) => partition).sort()).toEqual([0, 1]);

    await second.source.stop();
    await until('the first has all again', () => first.seen.assignments.at(-1)?.length === 2);
    expect(first.seen.revocations).toBeGreaterThan(0);
  });

  test('refuses to commit when it is no member', async () => {
    const source = create();
    const positions = [{ topic, partition: 0, nextOffset: 1, metadata: '' }];
    await expect(source.commit(positions)).rejects.toThrow();
  });

  test('delivers nothing once it has stopped', async () => {
    await produce(3);
    const { source, seen } = await started(0);
    await until('the first records are delivered', () => seen.next() >= 3);
    await source.stop();
    const before = seen.batches.length;
    await produce(3);

    expect(seen.batches).toHaveLength(before);
  });
}
