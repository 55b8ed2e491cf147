import type { Consumer, Kafka } from 'kafkajs';
import type { Logger } from '../../config/logger.ts';
import { messageOf } from '../../errors.ts';
import type { TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition } from '../partition-source.ts';
import type { FetchedPartition } from './kafkajs/fetched-partition.ts';

export interface GroupConsumerOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
}

export interface ConsumerListener {
  /** It has joined; all of its partitions are paused. */
  assigned(partitions: readonly TopicPartition[]): void;
  /** The group rebalances. */
  revoked(): void;
  /** It has stopped for good. */
  crashed(error: Error): void;
  /** The broker is asked for more once what is returned settles. */
  fetched(partition: FetchedPartition): Promise<void> | undefined;
}

/** How long a fetch may wait for data; a partition that is resumed waits that long at most. */
const MAX_WAIT_MS = 100;
/** Of one partition in one fetch; the broker gives more when a single batch is larger. */
const MAX_BYTES_PER_PARTITION = 262_144;
/** How often partitions are counted: a member that finds another number joins again. */
const METADATA_MAX_AGE_MS = 10_000;
const HEARTBEAT_MS = 3_000;

/**
 * One consumer of kafkajs, from its join until it crashes or leaves. What kafkajs does by itself and
 * must not matter here: it begins at the committed offset, and jumps to the earliest one when an offset
 * is out of range. So each assignment is paused before the first fetch until the worker seeks, and each
 * fetch says from which offset it was asked for.
 */
export class GroupConsumer {
  readonly #consumer: Consumer;
  readonly #listener: ConsumerListener;
  readonly #logger: Logger;

  constructor(
    { kafka, groupId, sessionTimeoutMs, logger }: GroupConsumerOptions,
    listener: ConsumerListener,
  ) {
    this.#logger = logger;
    this.#listener = listener;
    this.#consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(HEARTBEAT_MS, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: MAX_WAIT_MS,
      maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      // It would restart with the same topics, at once and for ever; the member looks which ones exist.
      retry: { restartOnFailure: async () => false },
    });
    this.#listen();
  }

  /** Joins the group. @throws when that fails; the consumer is of no use then */
  async run(topics: readonly string[]): Promise<void> {
    const consumer = this.#consumer;
    try {
      await consumer.connect();
      // Where there is no position, the worker seeks; this only says what an invalid offset becomes.
      await consumer.subscribe({ topics: [...topics], fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        partitionsConsumedConcurrently: 16,
        // What kafkajs declares as its batch is what `fetched-partition.ts` puts in the place of it.
        eachBatch: async ({ batch }) =>
          this.#listener.fetched(batch as unknown as FetchedPartition),
      });
    } catch (error) {
      await consumer.disconnect().catch(() => {});
      throw error;
    }
  }

  /** Leaves the group, once it has joined it. Never throws. */
  async leave(): Promise<void> {
    await this.#consumer.disconnect().catch((error: unknown) => {
      this.#logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    });
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    this.#whileRunning(() => this.#consumer.seek({ topic, partition, offset: String(offset) }));
  }

  pause({ topic, partition }: TopicPartition): void {
    this.#whileRunning(() => this.#consumer.pause([{ topic, partitions: [partition] }]));
  }

  resume({ topic, partition }: TopicPartition): void {
    this.#whileRunning(() => this.#consumer.resume([{ topic, partitions: [partition] }]));
  }

  /** @throws when the group has moved on or cannot be reached */
  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    await this.#consumer.commitOffsets(
      positions.map(({ topic, partition, nextOffset, metadata }) => ({
        topic,
        partition,
        offset: String(nextOffset),
        metadata,
      })),
    );
  }

  /** kafkajs throws before it has joined and after a crash; an assignment follows in both cases. */
  #whileRunning(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#logger.debug({ error: messageOf(error) }, 'the consumer is not running');
    }
  }

  #listen(): void {
    const { GROUP_JOIN, REBALANCING, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      const partitions: TopicPartition[] = [];
      for (const [topic, numbers] of Object.entries(payload.memberAssignment)) {
        this.#consumer.pause([{ topic, partitions: numbers }]);
        for (const partition of numbers) partitions.push({ topic, partition });
      }
      this.#listener.assigned(partitions);
    });
    this.#consumer.on(REBALANCING, () => this.#listener.revoked());
    this.#consumer.on(CRASH, ({ payload }) => this.#listener.crashed(payload.error));
  }
}
