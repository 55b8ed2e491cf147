import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../errors.ts';
import { isTransientInKafka } from '../../kafka/errors.ts';
import { isAboutTopics } from '../../kafka/topics.ts';
import type { TopicPartition } from '../../records/topic-partition.ts';
import type { CommittedPosition, GroupMember, SourceListener } from '../partition-source.ts';
import { deliveryOf } from './delivery.ts';
import { GroupConsumer, type GroupConsumerOptions } from './group-consumer.ts';
import { leaveWhileJoining } from './kafkajs/consumer-group.ts';
import type { FetchedPartition } from './kafkajs/fetched-partition.ts';
import { wakeAll } from './kafkajs/interruptible-sleep.ts';
import type { MakeArena } from './pack-batches.ts';
import { Subscription } from './subscription.ts';

export interface KafkaJsMemberOptions extends GroupConsumerOptions {
  readonly topics: readonly string[];
  /** For the records of a fetch; each gets memory of its own by default. */
  readonly makeArena?: MakeArena;
  /** Called when a join failed or the consumer crashed. */
  readonly onError?: (error: unknown) => void;
}

/** Between attempts to start another consumer, in milliseconds. */
const RESTART_DELAY_MS = { first: 500, most: 5_000 };
/** A consumer that was a member for so long was not a failed attempt. */
const CALM_MS = 10_000;
/** How long a stop waits for a join before the member leaves during it, and for leaving. */
const LEAVE_MS = { joining: 1_000, leaving: 1_500 };

/**
 * A member of the group: a consumer of kafkajs, and another one after it has crashed or when there are
 * other topics to read. kafkajs forgets positions at every rebalance, so each join is an assignment from
 * nothing; and it stops for all topics when one of them is gone.
 *
 * ```text
 *             start                     crash, or a failed join
 *   (idle) ----------> #joining ------> #restart (a timer) ------> #joining
 *                          |                ^
 *                          v                | crash, or a topic appeared
 *                       (joined) -----------+
 * ```
 */
export class KafkaJsMember implements GroupMember {
  readonly #options: KafkaJsMemberOptions;
  readonly #subscription: Subscription;
  #consumer: GroupConsumer | undefined;
  #listener: SourceListener | undefined;
  #stopped = false;
  /** A join that is under way. */
  #joining: Promise<void> | undefined;
  /** What the consumer subscribed to. */
  #subscribed: readonly string[] = [];
  #joinedAt = 0;
  /** A topic appeared during a join. */
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
      // The brokers were reached a moment ago: they are waited for.
      this.#options.onError?.(error);
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
    // The join waits for the other members of the group, or for a broker that does not answer.
    const { logger } = this.#options;
    const leaving = leaveWhileJoining().catch((error: unknown) => {
      logger.debug({ error: messageOf(error) }, 'leaving the group failed');
    });
    await Promise.race([leaving, delay(LEAVE_MS.leaving)]);
  }

  seek(where: TopicPartition, offset: number): void {
    if (!this.#stopped) this.#consumer?.seek(where, offset);
  }

  pause(where: TopicPartition): void {
    if (!this.#stopped) this.#consumer?.pause(where);
  }

  resume(where: TopicPartition): void {
    if (!this.#stopped) this.#consumer?.resume(where);
    wakeAll();
  }

  async commit(positions: readonly CommittedPosition[]): Promise<void> {
    if (this.#consumer === undefined) throw new Error('not a member of the group');
    await this.#consumer.commit(positions);
  }

  /** While it joins, kafkajs would forget to leave. */
  async #leave(): Promise<void> {
    await this.#joining?.catch(() => {});
    await this.#consumer?.leave();
  }

  #join(): Promise<void> {
    this.#hasAppeared = false;
    this.#joining = this.#run().finally(() => {
      this.#joining = undefined;
    });
    // A join that fails is followed by another, which asks for the topics by itself.
    return this.#joining.then(() => this.#subscribeToAppeared());
  }

  async #run(): Promise<void> {
    const topics = await this.#subscription.topics();
    this.#subscribed = topics;
    if (topics.length === 0 || this.#stopped) return;
    const isCurrent = () => consumer === this.#consumer && !this.#stopped;
    const consumer: GroupConsumer = new GroupConsumer(this.#options, {
      assigned: (partitions) => {
        if (!isCurrent()) return;
        this.#joinedAt = Date.now();
        this.#listener?.assigned(partitions);
      },
      revoked: () => {
        if (isCurrent()) this.#listener?.revoked();
      },
      crashed: (error) => {
        if (isCurrent()) this.#onCrash(error);
      },
      fetched: (partition) => (isCurrent() ? this.#deliver(partition) : undefined),
    });
    this.#consumer = consumer;
    await consumer.run(topics);
  }

  /** Leaves the group and joins it with the topics that are there now. */
  #subscribeAgain(): void {
    // A join that has not begun yet will ask for the topics by itself.
    if (this.#stopped || this.#restart !== undefined) return;
    if (this.#joining !== undefined) {
      this.#hasAppeared = true;
      return;
    }
    this.#listener?.revoked();
    const restart = setTimeout(async () => {
      await this.#consumer?.leave();
      // It may have crashed meanwhile: then another start is under way.
      if (this.#restart === restart) this.#joinAgain();
    });
    this.#restart = restart;
  }

  /** A topic that appeared during a join may not be among those it subscribed to. */
  async #subscribeToAppeared(): Promise<void> {
    if (!this.#hasAppeared || this.#restart !== undefined) return;
    const topics = await this.#subscription.topics();
    if (topics.join() !== this.#subscribed.join()) this.#subscribeAgain();
  }

  #onCrash(error: Error): void {
    this.#listener?.revoked();
    this.#options.onError?.(error);
    const fields = { error: messageOf(error) };
    this.#options.logger.warn(fields, 'the consumer crashed; another one is being started');
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
      // Of a consumer that crashed during it: two in one process would share the partitions.
      this.#restart = setTimeout(() => this.#joinAgain(), this.#restartDelay);
      return;
    }
    this.#join().catch((error: unknown) => {
      this.#options.onError?.(error);
      this.#options.logger.error({ error: messageOf(error) }, 'joining the group failed');
      this.#startAgain();
    });
  }

  #deliver(fetched: FetchedPartition): Promise<void> | undefined {
    const delivery = deliveryOf(fetched, this.#options.makeArena);
    if ('unreadable' in delivery) {
      const { unreadable } = delivery;
      // It would be fetched over and over.
      this.pause(unreadable);
      this.seek(unreadable, unreadable.fromOffset);
      this.#listener?.unreadable(unreadable);
      return undefined;
    }
    if (delivery.seekTo !== undefined) this.seek(fetched, delivery.seekTo);
    return this.#listener?.fetched(delivery.batch);
  }
}
