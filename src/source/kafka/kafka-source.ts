import { setTimeout as delay } from 'node:timers/promises';
import { Worker as Thread } from 'node:worker_threads';
import type { Kafka } from 'kafkajs';
import type { Logger } from '../../config/logger.ts';
import type { Settings } from '../../config/settings.ts';
import { messageOf } from '../../errors.ts';
import { type KafkaErrorClass, kafkaErrorClass } from '../../kafka/error-class.ts';
import type { Columns } from '../../records/columns.ts';
import type { PackedRecords } from '../../records/packed-records.ts';
import { RecordBlock } from '../../records/record-block.ts';
import { keyOf, type TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition, PartitionSource, SourceListener } from '../partition-source.ts';
import { GroupLookups } from './group-lookups.ts';
import type { Command, Event, ReceiverData } from './receiver-protocol.ts';

export interface KafkaSourceOptions {
  /** For lookups, which the worker's thread does itself. */
  readonly kafka: Kafka;
  /** The receiver thread makes its own client from them. */
  readonly settings: Settings;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly logger: Logger;
  /** Called with the class of every error of the brokers, for metrics. */
  readonly onError?: (error: KafkaErrorClass) => void;
}

/** How long the connection for lookups may take to close. */
const CLOSE_MS = 500;
/** Nearly all that the thread allocates is garbage a moment later: a small young generation will do. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 4 };

/**
 * `PartitionSource` over kafkajs. The member of the group runs in the receiver thread: receiving takes
 * none of the time of the worker's thread, and heartbeats are sent however busy that is.
 */
export class KafkaSource implements PartitionSource {
  readonly #options: KafkaSourceOptions;
  readonly #lookups: GroupLookups;
  /** Started at once: it takes long to load, and the worker looks up its positions meanwhile. */
  #thread: Thread | undefined;
  #listener: SourceListener | undefined;
  #lastId = 0;
  readonly #pending = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  /** How many times each partition was sought. */
  readonly #seeks = new Map<string, number>();

  constructor(options: KafkaSourceOptions) {
    this.#options = options;
    this.#lookups = new GroupLookups(options.kafka, options.groupId);
    const { settings, groupId, topics } = options;
    const workerData: ReceiverData = { settings, groupId, topics };
    this.#thread = startThread(workerData);
    this.#thread.unref();
    this.#thread.on('message', (event: Event) => this.#on(event));
    // A bug: it ends the process.
    this.#thread.on('error', (error) => {
      throw error;
    });
    this.#thread.on('exit', () => {
      this.#thread = undefined;
      for (const { reject } of this.#pending.values()) reject(new Error('the thread has ended'));
      this.#pending.clear();
    });
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    this.#thread?.ref();
    await this.#request((id) => ({ type: 'start', id }));
  }

  async stop(): Promise<void> {
    this.#listener = undefined;
    const quietly = (error: unknown) =>
      this.#options.logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    await this.#request((id) => ({ type: 'stop', id })).catch(quietly);
    await this.#thread?.terminate();
    // kafkajs waits for outstanding answers, and a broker may take long.
    const late = delay(CLOSE_MS, undefined, { ref: false });
    await Promise.race([this.#lookups.close().catch(quietly), late]);
  }

  seek(where: TopicPartition, offset: number): void {
    const seek = (this.#seeks.get(keyOf(where)) ?? 0) + 1;
    this.#seeks.set(keyOf(where), seek);
    this.#send({ type: 'seek', where: named(where), offset, seek });
  }

  pause(where: TopicPartition): void {
    this.#send({ type: 'pause', where: named(where) });
  }

  resume(where: TopicPartition): void {
    this.#send({ type: 'resume', where: named(where) });
  }

  commit(positions: readonly CommittedPosition[]): Promise<void> {
    return this.#request((id) => ({ type: 'commit', id, positions }));
  }

  registerSchema(schemaId: number, schema: unknown): void {
    this.#send({ type: 'registerSchema', schemaId, schema });
  }

  committed(topic: string): ReturnType<PartitionSource['committed']> {
    return this.#noting(this.#lookups.committed(topic));
  }

  bounds(topic: string): ReturnType<PartitionSource['bounds']> {
    return this.#noting(this.#lookups.bounds(topic));
  }

  logEnds(topic: string): ReturnType<PartitionSource['logEnds']> {
    return this.#noting(this.#lookups.logEnds(topic));
  }

  topicId(topic: string): ReturnType<PartitionSource['topicId']> {
    return this.#noting(this.#lookups.topicId(topic));
  }

  async #noting<T>(lookup: Promise<T>): Promise<T> {
    try {
      return await lookup;
    } catch (error) {
      this.#options.onError?.(kafkaErrorClass(error));
      throw error;
    }
  }

  /** Whether something was fetched before the last seek of its partition. */
  #isStale(where: TopicPartition, seek: number): boolean {
    return seek !== (this.#seeks.get(keyOf(where)) ?? 0);
  }

  #blockOf(records: PackedRecords, columns: Columns | undefined): RecordBlock {
    return new RecordBlock(records, columns, (memory) => this.#send({ type: 'release', memory }));
  }

  #send(command: Command): void {
    this.#thread?.postMessage(command);
  }

  #request(commandOf: (id: number) => Command): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((resolve, reject) => {
      if (this.#thread === undefined) throw new Error('not a member of the group');
      this.#pending.set(id, { resolve, reject });
      this.#send(commandOf(id));
    });
  }

  #on(event: Event): void {
    switch (event.type) {
      case 'done': {
        const request = this.#pending.get(event.id);
        this.#pending.delete(event.id);
        if (event.error === undefined) request?.resolve();
        else request?.reject(new Error(event.error));
        return;
      }
      case 'assigned':
        this.#listener?.assigned(event.partitions);
        return;
      case 'revoked':
        this.#listener?.revoked();
        return;
      case 'failed':
        this.#options.onError?.(event.class);
        return;
      case 'missing':
        this.#listener?.missing(event.topics);
        return;
      case 'unreadable':
        if (!this.#isStale(event.part, event.seek)) this.#listener?.unreadable(event.part);
        return;
      case 'fetched': {
        const { batch, records, columns, seek } = event;
        const taking = this.#isStale(batch, seek)
          ? undefined
          : this.#listener?.fetched({ ...batch, records: this.#blockOf(records, columns) });
        const taken = () => this.#send({ type: 'taken', bytes: records.bytes });
        if (taking === undefined) taken();
        else void taking.then(taken);
      }
    }
  }
}

/** The name alone: what else a caller's object holds may not be cloneable. */
function named({ topic, partition }: TopicPartition): TopicPartition {
  return { topic, partition };
}

/** When the worker runs from its sources, as in tests, so does the thread, with the loader for them. */
function startThread(workerData: ReceiverData): Thread {
  const options = { workerData, resourceLimits: RESOURCE_LIMITS };
  if (!import.meta.url.endsWith('.ts')) {
    return new Thread(new URL('./receiver-thread.js', import.meta.url), options);
  }
  const entry = new URL('./receiver-thread.ts', import.meta.url).href;
  const loader = import.meta.resolve('tsx/esm/api');
  const script = `import { register } from '${loader}'; register(); await import('${entry}');`;
  // Not with `eval`: modules that Node is to preload (--import) would not be loaded in it.
  return new Thread(new URL(`data:text/javascript,${encodeURIComponent(script)}`), options);
}
