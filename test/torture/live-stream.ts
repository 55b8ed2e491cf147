import { setTimeout as delay } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import type { EncodedEvent, EventInput } from '../../src/produce/encoder.ts';
import { Random } from '../../src/simulate/random.ts';
import { type SimulatedEvent, simulateEvents } from '../../src/simulate/simulate-events.ts';
import { type CodecName, compressionOf } from './codecs.ts';
import type { Reference } from './reference.ts';

const DUPLICATES = 0.1;
/** Most duplicates come soon after their event, as a retrying producer sends them; some late. */
const RECENT = 1_000;
const LATE = 0.2;
const KEPT = 50_000;
const LIVE_SESSIONS = 400;
const TICK_MS = 25;
const RETRY_MS = 200;
const STREAM_OF_DUPLICATES = 1;

export type Encode = (event: EventInput) => Promise<EncodedEvent>;

export interface StreamOptions {
  readonly producer: Producer;
  readonly topic: string;
  readonly encode: Encode;
  /** What batches are compressed with, each with one that the seed decides. */
  readonly codecs: readonly CodecName[];
  readonly seed: number;
  readonly reference: Reference;
}

/**
 * Simulated traffic that continues during the faults: what the broker does not
 * acknowledge is sent again until it does, as a producer does that loses nothing.
 */
export class LiveStream {
  readonly #options: StreamOptions;
  readonly #events: Iterator<SimulatedEvent>;
  readonly #random: Random;
  readonly #kept: EncodedEvent[] = [];
  readonly #running: Promise<void>;
  #failure: unknown;
  #allowed = 0;
  #unique = 0;
  #stopped = false;
  #perTick = 20;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#random = new Random(options.seed, STREAM_OF_DUPLICATES);
    this.#events = simulateEvents({
      sessions: 2 ** 32 - 1,
      liveSessions: LIVE_SESSIONS,
      seed: options.seed,
    });
    this.#running = this.#run();
    this.#running.catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Different events that were acknowledged. */
  get unique(): number {
    return this.#unique;
  }

  /** How far it is, for a failure's message. */
  get progress(): string {
    return `${this.#unique} of ${this.#allowed} allowed events are acknowledged`;
  }

  /**
   * Lets so many more events through, over about a second.
   *
   * @throws what ended the stream
   */
  allow(events: number): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#allowed += events;
    this.#perTick = Math.max(10, Math.ceil((this.#allowed - this.#unique) / (1_000 / TICK_MS)));
  }

  /** Sends what is allowed and ends. */
  async end(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped || this.#unique < this.#allowed) {
      const count = Math.min(this.#perTick, this.#allowed - this.#unique);
      if (count > 0) {
        await this.#send(await this.#next(count));
        this.#unique += count;
      }
      await delay(TICK_MS);
    }
  }

  async #next(count: number): Promise<EncodedEvent[]> {
    const messages: EncodedEvent[] = [];
    for (let i = 0; i < count; i += 1) {
      const event = this.#events.next().value as SimulatedEvent;
      this.#options.reference.add(event.session_id, event.metric);
      const message = await this.#options.encode(event);
      messages.push(message);
      this.#kept.push(message);
      if (this.#random.chance(DUPLICATES)) messages.push(this.#duplicate());
    }
    if (this.#kept.length > 2 * KEPT) this.#kept.splice(0, this.#kept.length - KEPT);
    return messages;
  }

  #duplicate(): EncodedEvent {
    const reach = this.#random.chance(LATE) ? this.#kept.length : RECENT;
    const back = this.#random.integer(1, Math.min(reach, this.#kept.length));
    return this.#kept[this.#kept.length - back] as EncodedEvent;
  }

  async #send(messages: EncodedEvent[]): Promise<void> {
    const { producer, topic, codecs } = this.#options;
    const compression = compressionOf(this.#random.pick(codecs));
    for (;;) {
      try {
        await producer.send({ topic, messages, acks: -1, compression });
        return;
      } catch {
        await delay(RETRY_MS);
      }
    }
  }
}
