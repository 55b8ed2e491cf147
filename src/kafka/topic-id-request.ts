/** The id of a topic that the broker does not have. */
export const NO_TOPIC_ID = '00000000-0000-0000-0000-000000000000';

const UUID_BYTES = 16;

export interface TopicIdAnswer {
  readonly topicId: string;
}

/** A request as kafkajs sends it, with what reads the answer. */
interface Call {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    /** Looks like one of kafkajs's encoders. */
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer; size(): number }>;
  };
  readonly response: {
    decode(answer: Buffer): Promise<TopicIdAnswer>;
    parse(answer: TopicIdAnswer): Promise<TopicIdAnswer>;
  };
}

/**
 * Metadata, version 10, of one topic, which is not to be created.
 * Source: Kafka protocol, "Metadata Request (Version: 10)"; KIP-482 for compact forms and tags.
 */
export function topicIdRequest(topic: string): Call {
  return {
    request: {
      apiKey: 3,
      apiVersion: 10,
      apiName: 'Metadata',
      async encode() {
        const buffer = requestBytes(topic);
        return { buf: buffer, buffer, size: () => buffer.length };
      },
    },
    response: { decode: async (answer) => topicIdOf(answer), parse: async (answer) => answer },
  };
}

function requestBytes(topic: string): Buffer {
  const name = Buffer.from(topic, 'utf8');
  return Buffer.concat([
    Buffer.from([0, 2]), // no tags in the header; an array of one topic
    Buffer.alloc(UUID_BYTES), // by its name and not by its id
    unsignedVarint(name.length + 1),
    name,
    Buffer.from([0, 0, 0, 0, 0]), // no tags; do not create it; no authorized operations, twice; no tags
  ]);
}

function topicIdOf(answer: Buffer): TopicIdAnswer {
  const reader = new CompactReader(answer);
  reader.skipTags();
  reader.skip(4); // throttle time
  for (let brokers = reader.length(); brokers > 0; brokers -= 1) {
    reader.skip(4); // node id
    reader.skip(reader.length()); // host
    reader.skip(4); // port
    reader.skip(reader.length()); // rack
    reader.skipTags();
  }
  reader.skip(reader.length()); // cluster id
  reader.skip(4); // controller id
  if (reader.length() !== 1) throw new Error('a broker answered about other topics than the one');
  reader.skip(2); // error code: without a topic, its id is zero
  reader.skip(reader.length()); // name
  return { topicId: reader.uuid() };
}

function unsignedVarint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Reads the compact types of the flexible versions, of which kafkajs reads only some. */
class CompactReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  skip(bytes: number): void {
    this.#at += bytes;
  }

  /** Of a compact string or array; 0 when it is null. */
  length(): number {
    return Math.max(this.#varint() - 1, 0);
  }

  skipTags(): void {
    for (let tags = this.#varint(); tags > 0; tags -= 1) {
      this.#varint();
      this.skip(this.#varint());
    }
  }

  uuid(): string {
    const hex = this.#bytes.toString('hex', this.#at, this.#at + UUID_BYTES);
    if (hex.length !== 2 * UUID_BYTES) throw new Error('the answer of a broker is cut off');
    this.skip(UUID_BYTES);
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new Error('the answer of a broker has a number that is too long');
  }
}
