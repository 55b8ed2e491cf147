import { readerFor } from '../../../src/decode/avro/reader.ts';
import type { ColumnReader } from '../../../src/decode/columnar/column-reader.ts';
import { ColumnarSchema } from '../../../src/decode/columnar/columnar-schema.ts';
import { readAhead } from '../../../src/decode/columnar/read-ahead.ts';
import {
  keyOf,
  type PartitionBounds,
  type TopicPartition,
} from '../../../src/records/topic-partition.ts';
import type {
  CommittedOffset,
  CommittedPosition,
  PartitionSource,
  SourceListener,
} from '../../../src/source/partition-source.ts';
import { HeldCalls } from './held-calls.ts';
import type { Member, MemoryBroker, MemoryGroup } from './memory-broker.ts';
import type { ReadRecords } from './partition-log.ts';

export interface MemorySourceOptions {
  readonly broker: MemoryBroker;
  readonly groupId: string;
  readonly topics: readonly string[];
  /** What waits for the test; several sources may share them. */
  readonly calls?: HeldCalls;
  /** Distinguishes the calls of one source from those of another. */
  readonly name?: string;
  /** Most offsets of one fetch. */
  readonly maxFetch?: number;
}

/** An assigned partition, until the next assignment. */
interface Assigned {
  readonly where: TopicPartition;
  isPaused: boolean;
  isFetching: boolean;
  position: number | undefined;
  seeks: number;
}

const MAX_FETCH = 500;

/**
 * `PartitionSource` in this process, over a `MemoryBroker`. It has no timers: whatever it does, it
 * does when it is called, when something is appended, or when the test ends a call that it held.
 *
 * Calls that can be held are `join`, `revoke`, `assign`, `fetch`, `commit`, `committed`, `bounds`,
 * `logEnds` and `topicId`. A fetch or a commit whose answer is lost is one that a real client gives up.
 */
export class MemorySource implements PartitionSource, Member {
  readonly topics: readonly string[];
  readonly calls: HeldCalls;
  readonly #broker: MemoryBroker;
  readonly #group: MemoryGroup;
  readonly #name: string;
  readonly #maxFetch: number;
  readonly #readers = new Map<number, ColumnReader | undefined>();
  #assigned = new Map<string, Assigned>();
  #listener: SourceListener | undefined;
  #unwatch: (() => void) | undefined;
  /** Of the newest assignment that this member has been notified of; `undefined`: no member. */
  #generation: number | undefined;
  /** Of the newest one that the broker has decided on. */
  #newest = 0;
  /** Deliveries that the listener has no room for yet. */
  #waiting = 0;

  constructor(options: MemorySourceOptions) {
    const { broker, groupId, topics, name = 'source', maxFetch = MAX_FETCH } = options;
    this.topics = topics;
    this.calls = options.calls ?? new HeldCalls();
    this.#broker = broker;
    this.#group = broker.group(groupId);
    this.#name = name;
    this.#maxFetch = maxFetch;
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    this.#unwatch = this.#broker.watch(() => this.#fetchAll());
    await this.#call('join', () => this.#group.join(this));
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
    this.#generation = undefined;
    this.#assigned.clear();
    this.#unwatch?.();
    this.#group.leave(this);
  }

  seek(where: TopicPartition, offset: number): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned === undefined) return;
    assigned.position = offset;
    assigned.seeks += 1;
    this.#fetch(assigned);
  }

  pause(where: TopicPartition): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned !== undefined) assigned.isPaused = true;
  }

  resume(where: TopicPartition): void {
    const assigned = this.#assigned.get(keyOf(where));
    if (assigned === undefined) return;
    assigned.isPaused = false;
    this.#fetch(assigned);
  }

  commit(positions: readonly CommittedPosition[]): Promise<void> {
    const generation = this.#generation;
    return this.#call('commit', () => this.#group.commit(generation, positions));
  }

  registerSchema(schemaId: number, schema: unknown): void {
    this.#readers.set(schemaId, ColumnarSchema.of(readerFor(schema).writer)?.reader);
  }

  committed(topic: string): Promise<Map<number, CommittedOffset>> {
    const nothing = { nextOffset: undefined, metadata: '' };
    return this.#call(`committed ${topic}`, () =>
      this.#perPartition(
        topic,
        (partition) => this.#group.committed.get(keyOf({ topic, partition })) ?? nothing,
      ),
    );
  }

  bounds(topic: string): Promise<Map<number, PartitionBounds>> {
    return this.#call(`bounds ${topic}`, () =>
      this.#perPartition(topic, (partition) => this.#broker.log({ topic, partition }).bounds),
    );
  }

  logEnds(topic: string): Promise<Map<number, number>> {
    return this.#call(`logEnds ${topic}`, () =>
      this.#perPartition(
        topic,
        (partition) => this.#broker.log({ topic, partition }).bounds.latest,
      ),
    );
  }

  topicId(topic: string): Promise<string | undefined> {
    return this.#call(`topicId ${topic}`, () => this.#broker.topic(topic).id);
  }

  /** For the group: what the listener receives of it may be held. */
  rebalance(generation: number, share: readonly TopicPartition[]): void {
    this.#newest = generation;
    const ifNewest = (notify: () => void) => () => {
      if (generation === this.#newest && this.#listener !== undefined) notify();
    };
    const revoke = ifNewest(() => {
      if (this.#generation !== undefined) this.#listener?.revoked();
    });
    const assign = ifNewest(() => this.#assign(generation, share));
    // A member that is not notified keeps what it had, until the next assignment.
    this.#call('revoke', revoke)
      .then(() => this.#call('assign', assign))
      .catch(() => {});
  }

  #assign(generation: number, share: readonly TopicPartition[]): void {
    this.#generation = generation;
    const start = { isPaused: true, isFetching: false, position: undefined, seeks: 0 };
    this.#assigned = new Map(share.map((where) => [keyOf(where), { where, ...start }]));
    this.#listener?.assigned(share);
  }

  #fetchAll(): void {
    for (const assigned of this.#assigned.values()) this.#fetch(assigned);
  }

  /** Fetches and delivers, one fetch of a partition at a time, for as long as there is more. */
  #fetch(assigned: Assigned): void {
    const { where, isPaused, isFetching, position, seeks } = assigned;
    if (isPaused || isFetching || position === undefined || this.#waiting > 0) return;
    const log = this.#broker.log(where);
    if (!log.isReadable(position)) return;
    assigned.isFetching = true;
    const isCurrent = () =>
      assigned.seeks === seeks && this.#assigned.get(keyOf(where)) === assigned;
    this.#call(`fetch ${keyOf(where)} ${position}`, () =>
      this.#broker.log(where).read(position, this.#maxFetch),
    )
      .then((read) => {
        if (isCurrent()) this.#deliver(assigned, read);
      })
      // What is not answered is fetched again.
      .catch(() => {})
      .finally(() => {
        assigned.isFetching = false;
        if (this.#assigned.get(keyOf(where)) === assigned) this.#fetch(assigned);
      });
  }

  #deliver(assigned: Assigned, read: ReadRecords): void {
    const { records } = read;
    const { schemaIds } = records.packed;
    if (schemaIds.size > 0 && [...schemaIds].every((id) => this.#readers.has(id))) {
      records.columns = readAhead(records, (id) => this.#readers.get(id));
    }
    assigned.position = read.nextOffset;
    const room = this.#listener?.fetched({ ...assigned.where, ...read });
    if (room === undefined) return;
    this.#waiting += 1;
    void room.then(() => {
      this.#waiting -= 1;
      this.#fetchAll();
    });
  }

  #perPartition<T>(topic: string, of: (partition: number) => T): Map<number, T> {
    const { partitions } = this.#broker.topic(topic);
    return new Map(partitions.map((_, partition) => [partition, of(partition)]));
  }

  #call<T>(what: string, effect: () => T): Promise<T> {
    return this.calls.call(`${this.#name}: ${what}`, effect);
  }
}
