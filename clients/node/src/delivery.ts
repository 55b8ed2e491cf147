import { CompressionTypes, type Kafka, type Producer } from 'kafkajs';
import { type EncodedEvent, EventBuffer } from './buffer.ts';
import { frame } from './wire.ts';

/** Counts of events since the emitter was made; what is missing from their sum still waits. */
export interface Stats {
  /** Acknowledged by the brokers. */
  readonly sent: number;
  /** Could not be encoded, or were refused for what they are, such as too large. */
  readonly failed: number;
  /** Given up: the oldest when the buffer was full, and what was left when the emitter closed. */
  readonly dropped: number;
}

export interface DeliveryOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly maxBytes: number;
  readonly schemaId: () => Promise<number>;
  readonly warn: (message: string) => void;
}

/** Sent at once: little enough that to encode it never holds the event loop for long. */
const BATCH_EVENTS = 100;
const BATCH_BYTES = 65_536;
const LINGER_MS = 20;
const RETRY_MS = 1_000;
/** Refused for what they are: to send them again cannot help. */
const PERMANENT = new Set(['MESSAGE_TOO_LARGE', 'INVALID_RECORD', 'INVALID_MESSAGE']);

/**
 * Takes encoded events and sends them in the background. An event stays until a broker has acknowledged
 * it; what cannot be sent now is sent later, and beyond `maxBytes` the oldest are dropped. An answer that is
 * lost sends events twice, which the ledger sees.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #buffer: EventBuffer;
  readonly #producer: Producer;
  #schemaId: number | undefined;
  #isConnected = false;
  #sent = 0;
  #failed = 0;
  #dropped = 0;
  #isClosed = false;
  /** 1 after a refused batch: the event that is refused is found one by one. */
  #batchEvents = BATCH_EVENTS;
  #running: Promise<void> | undefined;
  #idle: (() => void)[] = [];
  #endPause: (() => void) | undefined;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#buffer = new EventBuffer(options.maxBytes);
    this.#producer = options.kafka.producer({ allowAutoTopicCreation: false });
  }

  get stats(): Stats {
    return { sent: this.#sent, failed: this.#failed, dropped: this.#dropped };
  }

  /** Queues an event; once closed it is counted as dropped. */
  add(event: EncodedEvent): void {
    if (this.#isClosed) {
      this.#dropped += 1;
      return;
    }
    const dropped = this.#buffer.add(event);
    if (dropped > 0 && this.#dropped === 0) {
      this.#options.warn('the buffer of usage events is full: dropping the oldest');
    }
    this.#dropped += dropped;
    this.#running ??= this.#run();
  }

  /** Counts an event that could not be encoded. */
  fail(): void {
    this.#failed += 1;
  }

  /** Waits until nothing is left to send; false when the time was not enough. */
  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#buffer.length === 0) return true;
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#idle.push(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  }

  /** Sends what it can in that time and ends; returns how many events were left. */
  async close(timeoutMs: number): Promise<number> {
    await this.flush(timeoutMs);
    if (this.#isClosed) return 0;
    this.#isClosed = true;
    const left = this.#buffer.clear();
    this.#dropped += left;
    this.#endPause?.();
    if (this.#isConnected) await this.#producer.disconnect().catch(() => {});
    return left;
  }

  async #run(): Promise<void> {
    await this.#pause(LINGER_MS);
    while (this.#buffer.length > 0) {
      try {
        await this.#sendBatch();
      } catch (error) {
        if (this.#isClosed) break;
        this.#options.warn(`usage events wait: ${error instanceof Error ? error.message : error}`);
        await this.#pause(RETRY_MS);
      }
    }
    this.#running = undefined;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #sendBatch(): Promise<void> {
    const { topic } = this.#options;
    this.#schemaId ??= await this.#options.schemaId();
    if (!this.#isConnected) {
      await this.#producer.connect();
      this.#isConnected = true;
    }
    const events = this.#buffer.hold(this.#batchEvents, BATCH_BYTES);
    const schemaId = this.#schemaId;
    const messages = events.map(({ key, body }) => ({ key, value: frame(schemaId, body) }));
    try {
      await this.#producer.send({ topic, messages, compression: CompressionTypes.GZIP });
    } catch (error) {
      this.#afterFailure(events.length, error);
      return;
    }
    if (this.#isClosed) return;
    this.#sent += events.length;
    this.#batchEvents = Math.min(this.#batchEvents * 2, BATCH_EVENTS);
    this.#buffer.release(true);
  }

  #afterFailure(events: number, error: unknown): void {
    if (this.#isClosed) return;
    const isPermanent = PERMANENT.has((error as { type?: string }).type ?? '');
    this.#buffer.release(isPermanent && events === 1);
    if (!isPermanent) throw error;
    this.#batchEvents = 1;
    if (events > 1) return;
    this.#failed += 1;
    this.#options.warn(`a usage event was refused: ${(error as Error).message}`);
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
