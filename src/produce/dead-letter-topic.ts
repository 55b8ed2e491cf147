import { type Kafka, Partitioners, type Producer } from 'kafkajs';
import { messageOf, TryAgainError } from '../errors.ts';
import type { Batch, RefusedMessage } from '../ledger/message.ts';

/** Names of the headers that say where a copy comes from and why it is there. */
const HEADER = 'usage_ledger_';
/** One send holds this many bytes at most, and at least one letter. */
const MAX_BYTES = 900_000;

/**
 * Copies of dead letters on a topic of their own: raw key, value and headers, with the coordinates
 * and the reason as headers. A copy may come twice, after a crash; none is missing.
 */
export class DeadLetterTopic {
  readonly #producer: Producer;
  readonly #topic: string;
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.#producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    this.#topic = topic;
  }

  /**
   * Settles when the brokers have acknowledged the copies.
   *
   * @throws {TryAgainError} when they do not
   */
  async copy({ topic, partition }: Batch, letters: readonly RefusedMessage[]): Promise<void> {
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
      for (const chunk of chunksOf(letters)) {
        const messages = chunk.map((letter) => messageFor(topic, partition, letter));
        await this.#producer.send({ topic: this.#topic, messages, acks: -1 });
      }
    } catch (error) {
      this.#connected = undefined;
      throw new TryAgainError(`topic ${this.#topic}: ${messageOf(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }
}

function messageFor(topic: string, partition: number, letter: RefusedMessage) {
  const { record, reason, detail, schemaId } = letter;
  const headers: Record<string, Buffer | string | (Buffer | string)[]> = {};
  for (const [name, value] of Object.entries(record.headers)) {
    if (value !== undefined) headers[name] = value;
  }
  headers[`${HEADER}reason`] = reason;
  headers[`${HEADER}detail`] = detail;
  headers[`${HEADER}topic`] = topic;
  headers[`${HEADER}partition`] = String(partition);
  headers[`${HEADER}offset`] = String(record.offset);
  if (schemaId !== null) headers[`${HEADER}schema_id`] = String(schemaId);
  return { key: record.key, value: record.value, headers };
}

function* chunksOf(letters: readonly RefusedMessage[]): Iterable<RefusedMessage[]> {
  let chunk: RefusedMessage[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const more = (letter.record.value?.length ?? 0) + 1_000;
    if (chunk.length > 0 && bytes + more > MAX_BYTES) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(letter);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}
