import type { Batch, Consumer, ConsumerCrashEvent, Kafka, KafkaMessage } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { isTransientInKafka } from '../kafka/errors.ts';
import { wakeAll } from './interruptible-sleep.ts';
import type { BatchMessage } from './kafkajs-record-batches.ts';
import type { PackedRecords } from './packed-records.ts';
import type {
  CommittedPosition,
  GroupMember,
  SourceListener,
  TopicPartition,
} from './partition-source.ts';
import { type MakeRoom, packBatches, type RecordBatch } from './record-batch.ts';
import { packRecords, RecordBlock } from './record-block.ts';

export interface KafkaJsMemberOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
  /** For the records of a fetch; each gets memory of its own by default. */
  readonly makeRoom?: MakeRoom;
}

/** How long a fetch may wait for data; a partition that is resumed waits that long at most. */
const MAX_WAIT_MS = 100;
/** Of one partition in one fetch; the broker gives more when a single batch is larger. */
const MAX_BYTES_PER_PARTITION = 262_144;
/** Between attempts to start anew when kafkajs has given up. */
const RESTART_DELAY_MS = { first: 500, most: 10_000 };

/** kafkajs does not declare this field of a batch. */
type FetchedKafkaBatch = Omit<Batch, 'messages'> & {
  readonly fetchedOffset: string;
  readonly messages: readonly (KafkaMessage | BatchMessage)[];
};

/**
 * A member of the group over kafkajs. What kafkajs does by itself and must not matter here:
 *
 * - it begins at the committed offset, and jumps to the earliest one when an offset is out of
 *   range: every assignment is paused before the first fetch and sought by the worker, and each
 *   batch tells from which offset it was asked for;
 * - it forgets positions at every rebalance: each join is an assignment from nothing;
 * - it gives up after some kinds of errors: then a new consumer is made.
 */
export class KafkaJsMember implements GroupMember {
  readonly #options: KafkaJsMemberOptions;
  #consumer: Consumer | undefined;
  #listener: SourceListener | undefined;
  #stopped = false;
  #restart: NodeJS.Timeout | undefined;
  #restartDelay = RESTART_DELAY_MS.first;

  constructor(options: KafkaJsMemberOptions) {
    this.#options = options;
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    try {
      await this.#run();
    } catch (error) {
      if (!isTransientInKafka(error)) throw error;
      // A broker that was there a moment ago is no reason to end.
      this.#options.logger.warn({ error: messageOf(error) }, 'joining the group failed');
      this.#startAgain();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restart);
    await this.#consumer?.disconnect().catch((error: unknown) => {
      this.#options.logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    });
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    this.#whileRunning((consumer) => consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause({ topic, partition }: TopicPartition): void {
    this.#whileRunning((consumer) => consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume({ topic, partition }: TopicPartition): void {
    this.#whileRunning((consumer) => consumer.resume([{ topic, partitions: [partition] }]));
    wakeAll();
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    if (this.#consumer === undefined) throw new Error('not a member of the group');
    await this.#consumer.commitOffsets(
      positions.map(({ topic, partition, nextOffset, metadata }) => ({
        topic,
        partition,
        offset: String(nextOffset),
        metadata,
      })),
    );
  }

  /** kafkajs throws when it is between two consumers; a new assignment follows then anyway. */
  #whileRunning(act: (consumer: Consumer) => void): void {
    try {
      if (this.#consumer !== undefined && !this.#stopped) act(this.#consumer);
    } catch (error) {
      this.#options.logger.debug({ error: messageOf(error) }, 'the consumer is not running');
    }
  }

  async #run(): Promise<void> {
    const { kafka, groupId, topics, sessionTimeoutMs } = this.#options;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: MAX_WAIT_MS,
      maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
      allowAutoTopicCreation: false,
    });
    this.#consumer = consumer;
    this.#listenTo(consumer);
    try {
      await consumer.connect();
      // Where there is no position, the worker seeks; this only says what an invalid offset becomes.
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 16,
        eachBatch: async ({ batch }) => this.#deliver(batch as unknown as FetchedKafkaBatch),
      });
    } catch (error) {
      // Another one takes its place, or nobody.
      await consumer.disconnect().catch(() => {});
      throw error;
    }
  }

  #listenTo(consumer: Consumer): void {
    const { GROUP_JOIN, REBALANCING, CRASH, END_BATCH_PROCESS } = consumer.events;
    const current = () => !this.#stopped && consumer === this.#consumer;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!current()) return;
      this.#restartDelay = RESTART_DELAY_MS.first;
      const partitions: TopicPartition[] = [];
      for (const [topic, numbers] of Object.entries(payload.memberAssignment)) {
        consumer.pause([{ topic, partitions: numbers }]);
        for (const partition of numbers) partitions.push({ topic, partition });
      }
      this.#listener?.assigned(partitions);
    });
    consumer.on(REBALANCING, () => {
      if (current()) this.#listener?.revoked();
    });
    consumer.on(CRASH, (event) => {
      if (current()) this.#onCrash(event);
    });
    // A batch of nothing but control records or aborted ones passes by `eachBatch`.
    consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (!current() || payload.batchSize > 0) return;
      this.#listener?.fetched({
        topic: payload.topic,
        partition: payload.partition,
        fromOffset: Number(payload.firstOffset),
        nextOffset: Number(payload.lastOffset) + 1,
        records: RecordBlock.of([]),
        endOffset: Number(payload.highWatermark),
      });
    });
  }

  #onCrash({ payload }: ConsumerCrashEvent): void {
    this.#listener?.revoked();
    const { logger } = this.#options;
    const error = messageOf(payload.error);
    if (payload.restart) {
      logger.warn({ error }, 'the consumer lost its broker and is starting again');
      return;
    }
    logger.error({ error }, 'the consumer gave up; a new one is being started');
    this.#startAgain();
  }

  #startAgain(): void {
    if (this.#stopped) return;
    const delay = this.#restartDelay;
    this.#restartDelay = Math.min(delay * 2, RESTART_DELAY_MS.most);
    this.#restart = setTimeout(() => {
      this.#run().catch((error: unknown) => {
        this.#options.logger.error({ error: messageOf(error) }, 'joining the group failed');
        this.#startAgain();
      });
    }, delay);
  }

  #deliver(batch: FetchedKafkaBatch): Promise<void> | undefined {
    if (this.#stopped) return undefined;
    const fromOffset = Number(batch.fetchedOffset);
    return this.#listener?.fetched({
      topic: batch.topic,
      partition: batch.partition,
      fromOffset,
      nextOffset: Number(batch.lastOffset()) + 1,
      records: new RecordBlock(packed(batch.messages, fromOffset, this.#options.makeRoom)),
      endOffset: Number(batch.highWatermark),
    });
  }
}

/** Whole batches, or the messages of an old format. */
function packed(
  messages: FetchedKafkaBatch['messages'],
  fromOffset: number,
  makeRoom: MakeRoom | undefined,
): PackedRecords {
  const batches: RecordBatch[] = [];
  const singles: KafkaMessage[] = [];
  for (const message of messages) {
    if ('recordBatch' in message) batches.push(message.recordBatch);
    else singles.push(message);
  }
  if (batches.length > 0 && singles.length > 0) {
    throw new Error(`a fetch from offset ${fromOffset} has messages of two formats`);
  }
  return batches.length > 0 ? packBatches(batches, fromOffset, makeRoom) : packRecords(singles);
}
