import { setTimeout as delay } from 'node:timers/promises';
import { Worker as Thread } from 'node:worker_threads';
import type { Kafka } from 'kafkajs';
import type { Logger } from '../../config/logger.ts';
import type { Settings } from '../../config/settings.ts';
import { messageOf } from '../../errors.ts';
import type { Columns } from '../../records/columns.ts';
import type { PackedRecords } from '../../records/packed-records.ts';
import { RecordBlock } from '../../records/record-block.ts';
import { keyOf, type TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition, PartitionSource, SourceListener } from '../partition-source.ts';
import { GroupLookups } from './group-lookups.ts';
import type { MemberData, News, Order } from './member-messages.ts';

export interface KafkaSourceOptions {
  /** For what is asked of the brokers beside the group. */
  readonly kafka: Kafka;
  /** From these the member of the group makes its own client. */
  readonly settings: Settings;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
}

/** How long the connection for lookups may take to close. */
const CLOSE_MS = 500;
/** Nearly all that the thread makes is of no use a moment later: a small nursery will do. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4 };

/**
 * `PartitionSource` over kafkajs, with the member of the group in a thread of its own: receiving
 * takes none of the worker's time, and the group hears heartbeats however busy the worker is.
 */
export class KafkaSource implements PartitionSource {
  readonly #options: KafkaSourceOptions;
  readonly #lookups: GroupLookups;
  /** Loads while others look up where to begin: nothing else at the start takes as long. */
  #thread: Thread | undefined;
  #listener: SourceListener | undefined;
  #lastId = 0;
  readonly #orders = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  /** How often each partition was sought. */
  readonly #seeks = new Map<string, number>();

  constructor(options: KafkaSourceOptions) {
    this.#options = options;
    this.#lookups = new GroupLookups(options.kafka, options.groupId);
    const { settings, groupId, topics } = options;
    const workerData: MemberData = { settings, groupId, topics };
    this.#thread = startThread(workerData);
    this.#thread.unref();
    this.#thread.on('message', (news: News) => this.#hear(news));
    // A bug: without its member the worker is of no use.
    this.#thread.on('error', (error) => {
      throw error;
    });
    this.#thread.on('exit', () => {
      this.#thread = undefined;
      for (const { reject } of this.#orders.values()) reject(new Error('the thread has ended'));
      this.#orders.clear();
    });
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    this.#thread?.ref();
    await this.#order((id) => ({ order: 'start', id }));
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
    const quietly = (error: unknown) =>
      this.#options.logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    await this.#order((id) => ({ order: 'stop', id })).catch(quietly);
    await this.#thread?.terminate();
    // kafkajs waits for the answers that are outstanding, which a broker may owe for long.
    const late = delay(CLOSE_MS, undefined, { ref: false });
    await Promise.race([this.#lookups.close().catch(quietly), late]);
  }

  seek(where: TopicPartition, offset: number): void {
    const seek = (this.#seeks.get(keyOf(where)) ?? 0) + 1;
    this.#seeks.set(keyOf(where), seek);
    this.#tell({ order: 'seek', where: named(where), offset, seek });
  }

  pause(where: TopicPartition): void {
    this.#tell({ order: 'pause', where: named(where) });
  }

  resume(where: TopicPartition): void {
    this.#tell({ order: 'resume', where: named(where) });
  }

  commit(positions: readonly CommittedPosition[]): Promise<void> {
    return this.#order((id) => ({ order: 'commit', id, positions }));
  }

  registerSchema(schemaId: number, schema: unknown): void {
    this.#tell({ order: 'registerSchema', schemaId, schema });
  }

  committed(topic: string): ReturnType<PartitionSource['committed']> {
    return this.#lookups.committed(topic);
  }

  bounds(topic: string): ReturnType<PartitionSource['bounds']> {
    return this.#lookups.bounds(topic);
  }

  topicId(topic: string): ReturnType<PartitionSource['topicId']> {
    return this.#lookups.topicId(topic);
  }

  /** Whether something was fetched before the last seek of its partition. */
  #isStale(where: TopicPartition, seek: number): boolean {
    return seek !== (this.#seeks.get(keyOf(where)) ?? 0);
  }

  #blockOf(records: PackedRecords, columns: Columns | undefined): RecordBlock {
    return new RecordBlock(records, columns, (memory) => this.#tell({ order: 'reuse', memory }));
  }

  #tell(order: Order): void {
    this.#thread?.postMessage(order);
  }

  #order(make: (id: number) => Order): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#thread === undefined) throw new Error('not a member of the group');
      this.#orders.set(id, { resolve, reject });
      this.#tell(make(id));
    });
  }

  #hear(news: News): void {
    switch (news.news) {
      case 'done': {
        const order = this.#orders.get(news.id);
        this.#orders.delete(news.id);
        if (news.error === undefined) order?.resolve();
        else order?.reject(new Error(news.error));
        return;
      }
      case 'assigned':
        this.#listener?.assigned(news.partitions);
        return;
      case 'revoked':
        this.#listener?.revoked();
        return;
      case 'missing':
        this.#listener?.missing(news.topics);
        return;
      case 'unreadable':
        if (!this.#isStale(news.part, news.seek)) this.#listener?.unreadable(news.part);
        return;
      case 'fetched': {
        const { batch, records, columns, seek } = news;
        const room = this.#isStale(batch, seek)
          ? undefined
          : this.#listener?.fetched({ ...batch, records: this.#blockOf(records, columns) });
        const tell = () => this.#tell({ order: 'room', bytes: records.bytes });
        if (room === undefined) tell();
        else void room.then(tell);
      }
    }
  }
}

/** Only what names it: a lane, too, is a partition, and cannot be handed to a thread. */
function named({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

/** Run from its sources, as in tests, the thread runs them too, with the loader that reads them. */
function startThread(workerData: MemberData): Thread {
  const options = { workerData, resourceLimits: RESOURCE_LIMITS };
  if (!import.meta.url.endsWith('.ts')) {
    return new Thread(new URL('./member-thread.js', import.meta.url), options);
  }
  // A data: URL and no `eval`, for which Node does not run the modules of `--import`.
  const entry = JSON.stringify(new URL('./member-thread.ts', import.meta.url).href);
  const loader = JSON.stringify(import.meta.resolve('tsx/esm/api'));
  const script = `import { register } from ${loader}; register(); await import(${entry});`;
  return new Thread(new URL(`data:text/javascript,${encodeURIComponent(script)}`), options);
}
