import { CompressionTypes, type Producer } from 'kafkajs';
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
  /** One that does not retry by itself. */
  readonly producer: Pick<Producer, 'connect' | 'send' | 'disconnect'>;
  readonly topic: string;
  readonly maxBytes: number;
  readonly schemaId: (signal: AbortSignal) => Promise<number>;
  /** Makes the calls that the producer has under way fail at once. */
  readonly abandon: () => void;
  /** Must not throw. */
  readonly warn: (message: string) => void;
}

/** Sent at once: little enough that to encode it never holds the event loop for long. */
const BATCH_EVENTS = 100;
const BATCH_BYTES = 65_536;
const LINGER_MS = 20;
const RETRY_MS = 1_000;
/** Refused for what they are: to send them again cannot help. */
const PERMANENT = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_MESSAGE',
]);

/**
 * Takes encoded events and sends them in the background. An event stays until a broker has acknowledged
 * it; what cannot be sent now is sent later, and beyond `maxBytes` the oldest are dropped. When an answer is
 * lost, events are sent twice, and the ledger counts them once.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #buffer: EventBuffer;
  readonly #closing = new AbortController();
  #schemaId: number | undefined;
  #isConnected = false;
  #sent = 0;
  #failed = 0;
  #dropped = 0;
  /** 1 after a refused batch: the event that is refused is found one by one. */
  #batchEvents = BATCH_EVENTS;
  #isRunning = false;
  #waiting: ((isDone: boolean) => void)[] = [];
  #endPause: (() => void) | undefined;
  /** Of this outage. */
  readonly #warnings = new Set<string>();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#buffer = new EventBuffer(options.maxBytes);
  }

  get stats(): Stats {
    return { sent: this.#sent, failed: this.#failed, dropped: this.#dropped };
  }

  /** Queues an event; once closed it is counted as dropped. */
  add(event: EncodedEvent): void {
    if (this.#isClosed) {
      this.#dropped += 1;
      this.#warnOnce('a usage event came after close() and is dropped');
      return;
    }
    const dropped = this.#buffer.add(event);
    this.#dropped += dropped;
    if (dropped > 0) this.#warnOnce('the buffer of usage events is full: dropping the oldest');
    if (!this.#isRunning) void this.#run();
  }

  /** Counts an event that could not be encoded. */
  fail(): void {
    this.#failed += 1;
  }

  /** Waits until nothing is left to send; false when the time was not enough. */
  async flush(timeoutMs: number): Promise<boolean> {
    if (this.#buffer.length === 0) return true;
    return await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      this.#waiting.push((isDone) => {
        clearTimeout(timer);
        resolve(isDone);
      });
    });
  }

  /** Sends what it can in that time and ends; returns how many events were left. To be called once. */
  async close(timeoutMs: number): Promise<number> {
    await this.flush(timeoutMs);
    const left = this.#buffer.clear();
    this.#dropped += left;
    this.#closing.abort();
    this.#endPause?.();
    this.#endWaiting(left === 0);
    if (left > 0) this.#options.abandon();
    await this.#options.producer.disconnect().catch(() => {});
    return left;
  }

  get #isClosed(): boolean {
    return this.#closing.signal.aborted;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    await this.#pause(LINGER_MS);
    while (this.#buffer.length > 0) {
      try {
        await this.#sendBatch();
      } catch (error) {
        if (this.#isClosed) break;
        this.#warnOnce(`usage events wait: ${error instanceof Error ? error.message : error}`);
        await this.#pause(RETRY_MS);
      }
    }
    this.#isRunning = false;
    this.#endWaiting(true);
  }

  async #sendBatch(): Promise<void> {
    const { producer, topic } = this.#options;
    this.#schemaId ??= await this.#options.schemaId(this.#closing.signal);
    if (!this.#isConnected) {
      await producer.connect();
      this.#isConnected = true;
    }
    if (this.#isClosed) return;
    const events = this.#buffer.hold(this.#batchEvents, BATCH_BYTES);
    const schemaId = this.#schemaId;
    const messages = events.map(({ key, body }) => ({ key, value: frame(schemaId, body) }));
    try {
      await producer.send({ topic, messages, compression: CompressionTypes.GZIP });
    } catch (error) {
      this.#afterFailure(events.length, error);
      return;
    }
    // What is acknowledged only now was counted as dropped when the emitter closed.
    if (this.#isClosed) return;
    this.#sent += events.length;
    this.#batchEvents = Math.min(this.#batchEvents * 2, BATCH_EVENTS);
    this.#warnings.clear();
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

  /** An outage repeats itself every second: one warning is enough for all of it. */
  #warnOnce(message: string): void {
    if (this.#warnings.has(message)) return;
    this.#warnings.add(message);
    this.#options.warn(message);
  }

  #endWaiting(isDone: boolean): void {
    for (const resolve of this.#waiting.splice(0)) resolve(isDone);
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
