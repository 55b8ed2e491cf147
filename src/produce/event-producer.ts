import { type Kafka, Partitioners, type Producer } from 'kafkajs';

/** A message for the topic: an encoded event, or anything else that a test wants there. */
export interface ProducedMessage {
  readonly key: string | Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Record<string, string | Buffer>;
  readonly partition?: number;
}

const BATCH_MESSAGES = 2_000;

/**
 * Sends messages in batches, acknowledged by all replicas. The partition of a key is the one that
 * Java's clients choose, so that a session stays in its partition whoever produces.
 */
export class EventProducer {
  readonly #producer: Producer;
  readonly #topic: string;
  #waiting: ProducedMessage[] = [];
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

  /** Adds a message; when a batch is full, it is sent first. */
  async add(message: ProducedMessage): Promise<void> {
    this.#waiting.push(message);
    if (this.#waiting.length >= BATCH_MESSAGES) await this.flush();
  }

  /** Sends what is waiting and awaits its acknowledgement. */
  async flush(): Promise<void> {
    const messages = this.#waiting;
    this.#waiting = [];
    if (messages.length === 0) return;
    await this.#producer.send({ topic: this.#topic, messages, acks: -1 });
    this.#sent += messages.length;
  }

  async disconnect(): Promise<void> {
    await this.#producer.disconnect();
  }
}
