import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import { messageOf, UnreachableError, WrongUsageError } from '../errors.ts';
import { protocolErrorOf, TOO_LARGE } from '../kafka/errors.ts';

/** A message for the topic: an encoded event, or any bytes in tests. */
export interface ProducedMessage {
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Record<string, string | Buffer>;
  readonly partition?: number;
}

const BATCH_MESSAGES = 2_000;
/** Below the default `message.max.bytes` of brokers, record overhead included. */
const BATCH_BYTES = 900_000;
const MESSAGE_BYTES = 100;

/** A message larger than the topic's `max.message.bytes`. */
export class MessageTooLargeError extends WrongUsageError {
  readonly rejected: ProducedMessage;

  constructor(topic: string, rejected: ProducedMessage, cause: unknown) {
    const bytes = bytesOf(rejected) - MESSAGE_BYTES;
    super(`${bytes} bytes are more than topic ${topic} takes (max.message.bytes)`, { cause });
    this.rejected = rejected;
  }
}

/**
 * Sends messages in batches, acknowledged by all replicas. Keys are partitioned as by the Java clients,
 * so that a session stays in one partition whichever client produces.
 */
export class EventProducer {
  readonly #producer: Producer;
  readonly #topic: string;
  #waiting: ProducedMessage[] = [];
  #waitingBytes = 0;
  #sent = 0;

  constructor(kafka: Kafka, topic: string) {
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    this.#topic = topic;
  }

  /** Messages acknowledged by the broker. */
  get sent(): number {
    return this.#sent;
  }

  async connect(): Promise<void> {
    await this.#producer.connect();
  }

  /** Adds a message; sends the batch when it is full. */
  async add(message: ProducedMessage): Promise<void> {
    const bytes = bytesOf(message);
    if (this.#waitingBytes + bytes > BATCH_BYTES) await this.flush();
    this.#waiting.push(message);
    this.#waitingBytes += bytes;
    if (this.#waiting.length >= BATCH_MESSAGES) await this.flush();
  }

  /**
   * Sends the buffered messages and awaits their acknowledgement.
   *
   * @throws {MessageTooLargeError} with the first message that is too large; those before it were sent
   */
  async flush(): Promise<void> {
    const messages = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (messages.length > 0) await this.#send(messages);
  }

  async disconnect(): Promise<void> {
    await this.#producer.disconnect();
  }

  async #send(messages: ProducedMessage[]): Promise<void> {
    try {
      await this.#producer.send({ topic: this.#topic, messages, acks: -1 });
      this.#sent += messages.length;
      return;
    } catch (error) {
      if (!TOO_LARGE.has(protocolErrorOf(error) ?? '')) throw notSent(this.#topic, error);
      const [only, ...more] = messages;
      if (only !== undefined && more.length === 0) {
        throw new MessageTooLargeError(this.#topic, only, error);
      }
    }
    // The batch or one message exceeds the topic's limit: halving finds out which.
    const middle = messages.length >> 1;
    await this.#send(messages.slice(0, middle));
    await this.#send(messages.slice(middle));
  }
}

function bytesOf({ key, value, headers = {} }: ProducedMessage): number {
  // The values of a repeated header are a list.
  const inHeaders = Object.entries(headers).flat(2);
  return [key, value, ...inHeaders].reduce<number>(
    (sum, part) => sum + Buffer.byteLength(part ?? ''),
    MESSAGE_BYTES,
  );
}

/** An error of kafkajs is an outage; any other is a bug. */
function notSent(topic: string, error: unknown): unknown {
  if (!(error instanceof Error && error.name.startsWith('KafkaJS'))) return error;
  return new UnreachableError(`topic ${topic}: ${messageOf(error)}`, { cause: error });
}
