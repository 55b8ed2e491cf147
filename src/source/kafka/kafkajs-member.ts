import { setTimeout as delay } from 'node:timers/promises';
import type { Batch, Consumer, ConsumerCrashEvent, Kafka, KafkaMessage } from 'kafkajs';
import type { Logger } from '../../config/logger.ts';
import { messageOf } from '../../errors.ts';
import { isTransientInKafka } from '../../kafka/errors.ts';
import { isAboutTopics } from '../../kafka/topics.ts';
import { RecordBlock } from '../../records/record-block.ts';
import type { TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition, GroupMember, SourceListener } from '../partition-source.ts';
import { wakeAll } from './interruptible-sleep.ts';
import { leaveWhileJoining } from './kafkajs-membership.ts';
import type { BatchMessage, Unreadable, UnreadableMessage } from './kafkajs-record-batches.ts';
import { packWhatCanBe } from './pack-messages.ts';
import type { MakeArena } from './record-batch.ts';
import { Subscription } from './subscription.ts';
import { whyUnreadable } from './why-unreadable.ts';

export interface KafkaJsMemberOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly logger: Logger;
  /** For the records of a fetch; each gets memory of its own by default. */
  readonly makeArena?: MakeArena;
}

/** How long a fetch may wait for data; a partition that is resumed waits that long at most. */
const MAX_WAIT_MS = 100;
/** Of one partition in one fetch; the broker gives more when a single batch is larger. */
const MAX_BYTES_PER_PARTITION = 262_144;
/** Between attempts to start another consumer. */
const RESTART_DELAY_MS = { first: 500, most: 5_000 };
/** A consumer that was a member for so long was no failed attempt. */
const CALM_MS = 10_000;
/** How often partitions are counted: a member that finds another number joins again. */
const METADATA_MAX_AGE_MS = 10_000;
/** How long a join is waited for before the member leaves in the midst of it, and how long leaving may take. */
const LEAVE_MS = { joining: 1_000, leaving: 1_500 };

/** kafkajs does not declare this field of a batch. */
type FetchedKafkaBatch = Omit<Batch, 'messages'> & {
  readonly fetchedOffset: string;
  readonly messages: readonly (KafkaMessage | BatchMessage | UnreadableMessage)[];
};

/**
 * A member of the group over kafkajs. What kafkajs does by itself and must not matter here:
 *
 * - it begins at the committed offset, and jumps to the earliest one when an offset is out of
 *   range: every assignment is paused before the first fetch and sought by the worker, and each
 *   batch tells from which offset it was asked for;
 * - it forgets positions at every rebalance: each join is an assignment from nothing;
 * - it stops for all topics when one of them is gone, and after some kinds of errors: then another
 *   consumer is made, for the topics that are there.
 */
export class KafkaJsMember implements GroupMember {
  readonly #options: KafkaJsMemberOptions;
  readonly #subscription: Subscription;
  #consumer: Consumer | undefined;
  #listener: SourceListener | undefined;
  #stopped = false;
  /** A consumer on its way into the group. */
  #joining: Promise<void> | undefined;
  /** What the consumer subscribed to. */
  #subscribed: readonly string[] = [];
  #joinedAt = 0;
  /** A topic came back while a consumer was on its way. */
  #hasAppeared = false;
  #restart: NodeJS.Timeout | undefined;
  #restartDelay = RESTART_DELAY_MS.first;

  constructor(options: KafkaJsMemberOptions) {
    this.#options = options;
    this.#subscription = new Subscription({
      ...options,
      missing: (topics) => this.#listener?.missing(topics),
      appeared: () => this.#subscribeAgain(),
    });
  }

  async start(listener: SourceListener): Promise<void> {
    this.#listener = listener;
    this.#subscription.start();
    try {
      await this.#join();
    } catch (error) {
      if (!isTransientInKafka(error) && !isAboutTopics(error)) throw error;
      // A broker that was there a moment ago is no reason to end.
      this.#options.logger.warn({ error: messageOf(error) }, 'joining the group failed');
      this.#startAgain();
    }
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#subscription.stop();
    clearTimeout(this.#restart);
    const hasLeft = this.#leave().then(() => true);
    if (await Promise.race([hasLeft, delay(LEAVE_MS.joining, false)])) return;
    // It waits for the other members of the group, or for a broker that does not answer.
    const { logger } = this.#options;
    const leaving = leaveWhileJoining().catch((error: unknown) => {
      logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    });
    await Promise.race([leaving, delay(LEAVE_MS.leaving)]);
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

  /** Has the member leave once it is one: in the middle of joining, kafkajs forgets to. */
  async #leave(): Promise<void> {
    await this.#joining?.catch(() => {});
    await this.#consumer?.disconnect().catch((error: unknown) => {
      this.#options.logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    });
  }

  #join(): Promise<void> {
    this.#hasAppeared = false;
    this.#joining = this.#run().finally(() => {
      this.#joining = undefined;
    });
    // One that fails is followed by another, which asks for the topics by itself.
    return this.#joining.then(() => this.#subscribeToAppeared());
  }

  async #run(): Promise<void> {
    const { kafka, groupId, sessionTimeoutMs } = this.#options;
    const topics = await this.#subscription.topics();
    this.#subscribed = topics;
    if (topics.length === 0 || this.#stopped) return;
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.min(3_000, Math.floor(sessionTimeoutMs / 3)),
      maxWaitTimeInMs: MAX_WAIT_MS,
      maxBytesPerPartition: MAX_BYTES_PER_PARTITION,
      metadataMaxAge: METADATA_MAX_AGE_MS,
      allowAutoTopicCreation: false,
      // With the same topics, at once and for ever: another consumer looks which ones are there.
      retry: { restartOnFailure: async () => false },
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
        eachBatch: async ({ batch }) => {
          if (consumer === this.#consumer) {
            await this.#deliver(batch as unknown as FetchedKafkaBatch);
          }
        },
      });
    } catch (error) {
      // Another one takes its place, or nobody.
      await consumer.disconnect().catch(() => {});
      throw error;
    }
  }

  /** Leaves the group and joins it with the topics that are there now. */
  #subscribeAgain(): void {
    // What has not begun yet will ask for the topics by itself.
    if (this.#stopped || this.#restart !== undefined) return;
    if (this.#joining !== undefined) {
      this.#hasAppeared = true;
      return;
    }
    this.#listener?.revoked();
    const restart = setTimeout(async () => {
      await this.#consumer?.disconnect().catch(() => {});
      // It may have crashed meanwhile: then another start is under way.
      if (this.#restart === restart) this.#joinAgain();
    });
    this.#restart = restart;
  }

  /** What came back during a join may not be among its topics, and nobody would look again. */
  async #subscribeToAppeared(): Promise<void> {
    if (!this.#hasAppeared || this.#restart !== undefined) return;
    const topics = await this.#subscription.topics();
    if (topics.join() !== this.#subscribed.join()) this.#subscribeAgain();
  }

  #listenTo(consumer: Consumer): void {
    const { GROUP_JOIN, REBALANCING, CRASH, END_BATCH_PROCESS } = consumer.events;
    const current = () => !this.#stopped && consumer === this.#consumer;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (!current()) return;
      this.#joinedAt = Date.now();
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
    const error = messageOf(payload.error);
    this.#options.logger.warn({ error }, 'the consumer gave up; another one is being started');
    this.#startAgain();
  }

  #startAgain(): void {
    if (this.#stopped) return;
    this.#subscription.lookAgain();
    if (this.#joinedAt > 0 && Date.now() - this.#joinedAt > CALM_MS) {
      this.#restartDelay = RESTART_DELAY_MS.first;
    }
    this.#joinedAt = 0;
    const wait = this.#restartDelay;
    this.#restartDelay = Math.min(wait * 2, RESTART_DELAY_MS.most);
    clearTimeout(this.#restart);
    this.#restart = setTimeout(() => this.#joinAgain(), wait);
  }

  #joinAgain(): void {
    clearTimeout(this.#restart);
    this.#restart = undefined;
    if (this.#stopped) return;
    if (this.#joining !== undefined) {
      // Of a consumer that crashed in the midst of it: two in one member would share its partitions.
      this.#restart = setTimeout(() => this.#joinAgain(), this.#restartDelay);
      return;
    }
    this.#join().catch((error: unknown) => {
      this.#options.logger.error({ error: messageOf(error) }, 'joining the group failed');
      this.#startAgain();
    });
  }

  #deliver(batch: FetchedKafkaBatch): Promise<void> | undefined {
    if (this.#stopped) return undefined;
    const { topic, partition } = batch;
    const fromOffset = Number(batch.fetchedOffset);
    const packed = packWhatCanBe(batch.messages, fromOffset, this.#options.makeArena);
    if ('unreadable' in packed) {
      this.#refuse({ topic, partition }, fromOffset, packed.unreadable);
      return undefined;
    }
    // What could not be packed is fetched again, and by itself.
    if (!packed.isAll) this.seek({ topic, partition }, packed.nextOffset);
    return this.#listener?.fetched({
      topic,
      partition,
      fromOffset,
      nextOffset: packed.isAll ? Number(batch.lastOffset()) + 1 : packed.nextOffset,
      records: new RecordBlock(packed.records),
      endOffset: Number(batch.highWatermark),
    });
  }

  /** Stops at what cannot be read: it would be fetched over and over. */
  #refuse(where: TopicPartition, fromOffset: number, what: Unreadable) {
    this.pause(where);
    this.seek(where, fromOffset);
    this.#listener?.unreadable({
      ...where,
      fromOffset,
      why: whyUnreadable(where, fromOffset, what),
    });
  }
}
