import { setTimeout as delay } from 'node:timers/promises';
import { CompressionTypes, type Kafka, type Message, type Producer } from 'kafkajs';
import type pg from 'pg';
import { withAdmin } from '../../src/kafka/admin.ts';
import { type SimulatedEvent, simulateEvents } from '../../src/simulate/simulate-events.ts';
import { cli } from '../support/cli.ts';
import { until } from '../support/until.ts';
import type { Encode } from './live-stream.ts';
import type { Reference } from './reference.ts';

const PARTITIONS = 2;
const LIMIT_MS = 60_000;
const RETRY_MS = 200;
/** Of a stream that no other one of the torture is. */
const OTHER_SEED = 0x5eed;

export interface FleetingOptions {
  readonly topic: string;
  readonly kafka: Kafka;
  readonly producer: Producer;
  readonly encode: Encode;
  readonly reference: Reference;
  readonly observer: pg.Pool;
  /** For the commands that a person would give. */
  readonly env: NodeJS.ProcessEnv;
  readonly seed: number;
}

/**
 * A topic that is deleted and recreated, with events of its own that are sent once. What was booked
 * before a deletion stays; what is sent afterwards is booked once a person has decided.
 */
export class FleetingTopic {
  readonly #options: FleetingOptions;
  readonly #events: Iterator<SimulatedEvent>;
  #billable = 0;

  constructor(options: FleetingOptions) {
    this.#options = options;
    this.#events = simulateEvents({ sessions: 2 ** 32 - 1, seed: options.seed ^ OTHER_SEED });
  }

  get name(): string {
    return this.#options.topic;
  }

  /** Sends so many events and does not wait for them to be booked. */
  async send(count: number): Promise<void> {
    const { encode, reference } = this.#options;
    for (let i = 0; i < count; i += 1) {
      const drawn = this.#events.next().value as SimulatedEvent;
      const event = { ...drawn, session_id: `fleeting-${drawn.session_id}` };
      const before = reference.billable;
      reference.add(event.session_id, event.metric);
      this.#billable += reference.billable - before;
      await this.sendRaw(await encode(event));
    }
  }

  /** Sends an event that is not billed, with attributes. */
  async sendIgnored(attributes: Readonly<Record<string, string>>): Promise<void> {
    const found = this.#events;
    for (;;) {
      const event = found.next().value as SimulatedEvent;
      if (event.metric.type !== 'vad_metrics') continue;
      await this.sendRaw(await this.#options.encode({ ...event, attributes }));
      return;
    }
  }

  async sendRaw(message: Message, compression = CompressionTypes.None): Promise<void> {
    const { producer, topic } = this.#options;
    for (;;) {
      try {
        await producer.send({ topic, messages: [message], acks: -1, compression });
        return;
      } catch {
        await delay(RETRY_MS);
      }
    }
  }

  /** Waits until every event that was ever sent is booked. */
  async isBooked(): Promise<void> {
    await until('all of the fleeting topic is booked', () => this.#isBooked(), LIMIT_MS);
  }

  async delete(): Promise<void> {
    await withAdmin(this.#options.kafka, (admin) => admin.deleteTopics({ topics: [this.name] }));
  }

  async create(): Promise<void> {
    const topics = [
      {
        topic: this.name,
        numPartitions: PARTITIONS,
        replicationFactor: 1,
        // As brokers before 4.0 have it: times may lie in any future.
        configEntries: [{ name: 'message.timestamp.after.max.ms', value: String(2n ** 63n - 1n) }],
      },
    ];
    await withAdmin(this.#options.kafka, async (admin) => {
      // The broker deletes in its own time, and elects leaders in it.
      await until('the topic is created', () =>
        admin.createTopics({ topics, waitForLeaders: false }).catch(() => false),
      );
      await until('the topic has leaders', async () => {
        const ends = await admin.fetchTopicOffsets(this.name).catch(() => []);
        return ends.length === PARTITIONS;
      });
    });
  }

  /** Accepts lost offsets like an operator, until everything is booked. */
  async acceptLosses(): Promise<void> {
    const { env, topic } = this.#options;
    await until(
      'the recreated topic is booked once its losses are accepted',
      async () => {
        if (await this.#isBooked()) return true;
        for (let partition = 0; partition < PARTITIONS; partition += 1) {
          const where = ['--topic', topic, '--partition', String(partition)];
          // Exit code 1: nothing is lost there, or not known yet.
          const { code, stderr } = await cli(['position', 'accept-loss', ...where], env);
          if (code !== 0 && code !== 1) throw new Error(`position accept-loss: ${code}\n${stderr}`);
        }
        return this.#isBooked();
      },
      LIMIT_MS,
    );
  }

  async #isBooked(): Promise<boolean> {
    const { observer, topic } = this.#options;
    const { rows } = await observer.query<{ n: string }>(
      'SELECT coalesce(sum(applied), 0) AS n FROM consumed_range WHERE topic = $1',
      [topic],
    );
    return Number(rows[0]?.n) === this.#billable;
  }
}
