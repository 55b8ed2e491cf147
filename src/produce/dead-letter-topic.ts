import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import { messageOf } from '../errors.ts';
import { protocolErrorOf, TOO_LARGE } from '../kafka/errors.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import { bytesOfCopy, copyOf, copyWithoutBytes } from './dead-letter-copy.ts';

/** Session ids are no longer than this, in UTF-8. */
const MAX_HASHED_KEY = 4_096;
/** One send holds this many bytes at most, and at least one letter. */
const MAX_BYTES = 900_000;

/** Answers of a broker to a record that it will never take; source: Kafka protocol, error codes. */
const NEVER_TAKEN = new Set([
  ...TOO_LARGE,
  'INVALID_RECORD', // such as one without a key, on a compacted topic
  'CORRUPT_MESSAGE', // the same from brokers before 2.4
  'INVALID_TIMESTAMP',
]);

/** A letter that the topic refuses for good, and why. */
export interface RefusedCopy {
  readonly letter: DeadLetterRow;
  readonly why: string;
}

/**
 * Copies of dead letters on a topic of their own. A letter that is too large for the topic leaves
 * its own bytes out of the copy and says so.
 */
export class DeadLetterTopic {
  readonly name: string;
  readonly #producer: Producer;
  #connected: Promise<void> | undefined;

  constructor(kafka: Kafka, topic: string) {
    this.#producer = kafka.producer({ createPartitioner: byShortKey });
    this.name = topic;
  }

  /**
   * Settles when the brokers have acknowledged the copies.
   *
   * @returns those that they refuse for good
   * @throws when they do not answer, or do not have the topic, or do not let us write to it: some of
   *   the copies may have been made
   */
  async copy(letters: readonly DeadLetterRow[]): Promise<RefusedCopy[]> {
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
    } catch (error) {
      this.#connected = undefined;
      throw error;
    }
    const refused: RefusedCopy[] = [];
    for (const chunk of chunksOf(letters)) refused.push(...(await this.#sendAll(chunk)));
    return refused;
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }

  async #sendAll(letters: readonly DeadLetterRow[]): Promise<RefusedCopy[]> {
    try {
      await this.#send(letters.map(copyOf));
      return [];
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    const refused: RefusedCopy[] = [];
    for (const letter of letters) {
      const why = await this.#refusalOf(letter);
      if (why !== undefined) refused.push({ letter, why });
    }
    return refused;
  }

  /** Why the topic does not take a letter that is sent alone; `undefined`: it took it. */
  async #refusalOf(letter: DeadLetterRow): Promise<string | undefined> {
    let refusal: unknown;
    for (const message of [copyOf, copyWithoutBytes]) {
      try {
        await this.#send([message(letter)]);
        return undefined;
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusal = error;
        if (!TOO_LARGE.has(protocolErrorOf(error) ?? '')) break;
      }
    }
    return `${protocolErrorOf(refusal) ?? 'not sent'}: ${messageOf(refusal)}`;
  }

  async #send(messages: Message[]): Promise<void> {
    await this.#producer.send({ topic: this.name, messages, acks: -1 });
  }
}

/**
 * By key, as everybody does it; but kafkajs hashes a key in a time that grows with the square of its
 * length: minutes for a megabyte.
 */
function byShortKey(): ReturnType<typeof Partitioners.DefaultPartitioner> {
  const byKey = Partitioners.DefaultPartitioner();
  return ({ message, ...rest }) => {
    const isLong = (message.key?.length ?? 0) > MAX_HASHED_KEY;
    return byKey({ ...rest, message: isLong ? { ...message, key: null } : message });
  };
}

/** Whether another attempt would fail in the same way, because of what is sent. */
function isRefusal(error: unknown): boolean {
  const type = protocolErrorOf(error);
  if (type !== undefined) return NEVER_TAKEN.has(type);
  // What is not of kafkajs was thrown while the message was encoded.
  return error instanceof TypeError || error instanceof RangeError;
}

function* chunksOf(letters: readonly DeadLetterRow[]): Iterable<DeadLetterRow[]> {
  let chunk: DeadLetterRow[] = [];
  let bytes = 0;
  for (const letter of letters) {
    const more = bytesOfCopy(letter);
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
