import type { Batch } from '../../../src/records/message.ts';
import { keyOf, type TopicPartition } from '../../../src/records/topic-partition.ts';
import type { MemoryBroker } from '../../support/memory-source/memory-broker.ts';
import { LogTransaction } from '../../support/memory-source/partition-log.ts';

/** A record that was sent, whatever retention did since; `undefined`: a control record. */
type Produced =
  | { readonly key: string; readonly transaction: LogTransaction | undefined }
  | undefined;

/** What producers sent to the partitions of a topic, kept beyond retention. */
export class ModelTopic {
  readonly partitions: readonly TopicPartition[];
  readonly #broker: MemoryBroker;
  readonly #produced = new Map<string, Produced[]>();
  readonly #open = new Map<string, LogTransaction>();

  constructor(broker: MemoryBroker, topic: string, partitions: number) {
    this.#broker = broker;
    broker.createTopic(topic, partitions);
    this.partitions = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }));
    for (const where of this.partitions) this.#produced.set(keyOf(where), []);
  }

  /** Sends records of one value, in a transaction if one is open. */
  produce(where: TopicPartition, count: number, value: Buffer | null): void {
    const transaction = this.#open.get(keyOf(where));
    const produced = this.#of(where);
    const sent = Array.from({ length: count }, (_, i) => ({
      key: `${keyOf(where)} ${produced.length + i}`,
      value,
    }));
    for (const { key } of sent) produced.push({ key, transaction });
    this.#broker.log(where).append(sent, transaction);
  }

  begin(where: TopicPartition): void {
    if (!this.#open.has(keyOf(where))) this.#open.set(keyOf(where), new LogTransaction());
  }

  end(where: TopicPartition, how: 'committed' | 'aborted'): void {
    const transaction = this.#open.get(keyOf(where));
    if (transaction === undefined) return;
    this.#open.delete(keyOf(where));
    this.#of(where).push(undefined);
    this.#broker.log(where).end(transaction, how);
  }

  /** The offsets of a range that hold records which a consumer must see. */
  visible(where: TopicPartition, from: number, to: number): number[] {
    const offsets: number[] = [];
    for (const [i, record] of this.#of(where).slice(from, to).entries()) {
      if (record !== undefined && record.transaction?.state !== 'aborted') offsets.push(from + i);
    }
    return offsets;
  }

  /** What a batch has wrong: it must hold every record of its range, and nothing else. */
  difference(batch: Batch): string | undefined {
    const { fromOffset, nextOffset, messages } = batch;
    if (nextOffset <= fromOffset) return `it ends at ${nextOffset}`;
    if (nextOffset > this.#of(batch).length) return `it ends after the partition, at ${nextOffset}`;
    const expected = this.visible(batch, fromOffset, nextOffset);
    if (messages.length !== expected.length) {
      return `it holds ${messages.length} messages of ${expected.length}`;
    }
    for (const [i, { offset, record, kind }] of messages.entries()) {
      if (offset !== expected[i]) return `offset ${expected[i]} is missing`;
      if (String(record.key) !== this.#of(batch)[offset]?.key) return `offset ${offset} is another`;
      if (kind === 'dead_letter') return `offset ${offset} is a dead letter`;
    }
    return undefined;
  }

  #of(where: TopicPartition): Produced[] {
    return this.#produced.get(keyOf(where)) ?? [];
  }
}
