import { type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import { messageOf } from '../errors.ts';
import { protocolErrorOf, TOO_LARGE } from '../kafka/errors.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import { bytesOfCopy, copyOf, copyWithoutBytes } from './dead-letter-copy.ts';

/** The longest session id, in UTF-8 bytes. */
const MAX_HASHED_KEY = 4_096;
/** The bytes of one send, which has at least one dead letter. */
const MAX_BYTES = 900_000;

/** Errors with which a broker refuses a record permanently. Source: Kafka protocol, error codes. */
const NEVER_TAKEN = new Set([
  ...TOO_LARGE,
  'INVALID_RECORD', // such as one without a key, on a compacted topic
  'CORRUPT_MESSAGE', // the same from brokers before 2.4
  'INVALID_TIMESTAMP',
]);

/** A dead letter that the topic refuses permanently, and why. */
export interface RefusedCopy {
  readonly deadLetter: DeadLetterRow;
  readonly why: string;
}

/**
 * Copies dead letters to a topic of their own. The copy of one that is too large for the topic omits
 * key, value and headers, and says so in a header.
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
   * Resolves when the brokers have acknowledged the copies.
   *
   * @returns those that they refused permanently
   * @throws when they do not answer, do not have the topic or do not permit writing to it; some of
   *   the copies may have been sent
   */
  async copy(deadLetters: readonly DeadLetterRow[]): Promise<RefusedCopy[]> {
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
    } catch (error) {
      this.#connected = undefined;
      throw error;
    }
    const refused: RefusedCopy[] = [];
    for (const chunk of chunksOf(deadLetters)) refused.push(...(await this.#sendAll(chunk)));
    return refused;
  }

  async close(): Promise<void> {
    await this.#producer.disconnect();
  }

  async #sendAll(deadLetters: readonly DeadLetterRow[]): Promise<RefusedCopy[]> {
    try {
      await this.#send(deadLetters.map(copyOf));
      return [];
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    const refused: RefusedCopy[] = [];
    for (const deadLetter of deadLetters) {
      const why = await this.#refusalOf(deadLetter);
      if (why !== undefined) refused.push({ deadLetter, why });
    }
    return refused;
  }

  /** Sends one dead letter alone. Returns why the topic refused it; `undefined` when it did not. */
  async #refusalOf(deadLetter: DeadLetterRow): Promise<string | undefined> {
    let refusal: unknown;
    for (const message of [copyOf, copyWithoutBytes]) {
      try {
        await this.#send([message(deadLetter)]);
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
 * Partitions by key, like the default partitioner, except for long keys: kafkajs hashes a key in time
 * quadratic in its length, minutes for a megabyte.
 */
function byShortKey(): ReturnType<typeof Partitioners.DefaultPartitioner> {
  const byKey = Partitioners.DefaultPartitioner();
  return ({ message, ...rest }) => {
    const isLong = (message.key?.length ?? 0) > MAX_HASHED_KEY;
    return byKey({ ...rest, message: isLong ? { ...message, key: null } : message });
  };
}

/** Whether a retry would fail in the same way, because of the message itself. */
function isRefusal(error: unknown): boolean {
  const type = protocolErrorOf(error);
  if (type !== undefined) return NEVER_TAKEN.has(type);
  // Thrown by the encoder of kafkajs for a message that it cannot encode.
  return error instanceof TypeError || error instanceof RangeError;
}

function* chunksOf(deadLetters: readonly DeadLetterRow[]): Iterable<DeadLetterRow[]> {
  let chunk: DeadLetterRow[] = [];
  let bytes = 0;
  for (const deadLetter of deadLetters) {
    const more = bytesOfCopy(deadLetter);
    if (chunk.length > 0 && bytes + more > MAX_BYTES) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(deadLetter);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}
