import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import { messageOf, TryAgainError } from '../errors.ts';
import type { Batch, RefusedMessage } from '../ledger/message.ts';

/** Names of the headers that say where a copy comes from and why it is there. */
const HEADER = 'usage_ledger_';
/** Session ids are no longer than this, in UTF-8. */
const MAX_HASHED_KEY = 4_096;
const OMITTED = `${HEADER}omitted`;
/** One send holds this many bytes at most, and at least one letter. */
const MAX_BYTES = 900_000;

/**
 * Copies of dead letters on a topic of their own: raw key, value and headers, with the coordinates
 * and the reason as headers. A copy may come twice, after a crash; none is missing. A letter that
 * is too large for the topic with the headers that are added leaves its own bytes out of the copy
 * and says so, for nothing that anybody can send may halt a partition; the table has the bytes.
 */
export class DeadLetterTopic {
  readonly #producer: Producer;
  readonly #topic: string;
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.#producer = kafka.producer({ createPartitioner: byShortKey });
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
        await this.#send(chunk.map((letter) => messageFor(topic, partition, letter)));
      }
    } catch (error) {
      this.#connected = undefined;
      throw new TryAgainError(`topic ${this.#topic}: ${messageOf(error)}`, { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }

  async #send(messages: readonly Message[]): Promise<void> {
    try {
      await this.#producer.send({ topic: this.#topic, messages: [...messages], acks: -1 });
    } catch (error) {
      const [first, ...others] = messages;
      if (!isTooLarge(error) || first === undefined) throw error;
      if (others.length > 0) for (const message of messages) await this.#send([message]);
      else if (OMITTED in (first.headers ?? {})) throw error;
      else await this.#send([withoutItsBytes(first)]);
    }
  }
}

/**
 * By key, as everybody does it; but kafkajs hashes a key in a time that grows with the square of its
 * length: minutes for a megabyte, in which no heartbeat is sent.
 */
function byShortKey(): ReturnType<typeof Partitioners.DefaultPartitioner> {
  const byKey = Partitioners.DefaultPartitioner();
  return ({ message, ...rest }) => {
    const isLong = (message.key?.length ?? 0) > MAX_HASHED_KEY;
    return byKey({ ...rest, message: isLong ? { ...message, key: null } : message });
  };
}

/** A broker's answer, as it is or behind the last of several attempts. */
function isTooLarge(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('type' in error && error.type === 'MESSAGE_TOO_LARGE') return true;
  return isTooLarge(error.cause);
}

function withoutItsBytes({ headers }: Message): Message {
  const ours = Object.entries(headers ?? {}).filter(([name]) => name.startsWith(HEADER));
  const why = 'key, value and headers: larger than this topic takes';
  return { key: null, value: null, headers: { ...Object.fromEntries(ours), [OMITTED]: why } };
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
