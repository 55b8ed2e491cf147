import type { Arena } from '../bytes/arena.ts';
import type { HeaderValue } from './consumed-record.ts';
import { schemaIdOf } from './wire-format.ts';

/** What a record takes beside its bytes: its coordinates and lengths, and what is read ahead of it. */
export const RECORD_BYTES = 100;
/** What a block of records takes beside them: its arrays are small objects, and not so small ones. */
export const BLOCK_BYTES = 5_000;
/** About what a header takes beside its bytes. */
const HEADER_BYTES = 200;
/** For each record: where its key starts, its length (-1: null), and the same of its value. */
export const WORDS = 4;

export type Headers = Readonly<Record<string, HeaderValue>>;

/**
 * The records of one fetch, packed: their bytes in one buffer, their coordinates in typed arrays.
 * Thousands of records wait in memory for their transaction; as objects they would take much
 * more, and the garbage collector would have to follow every one. Plain data: it can be handed
 * from thread to thread.
 */
export interface PackedRecords {
  readonly size: number;
  /** About what they take in memory. */
  readonly bytes: number;
  readonly data: Uint8Array;
  /** The offsets, then the timestamps. */
  readonly coordinates: Float64Array;
  readonly layout: Int32Array;
  /** Of the records that have any, by their index. */
  readonly headers: ReadonlyMap<number, Headers>;
  /** About what those headers take in memory, by the same index. */
  readonly headerBytes: ReadonlyMap<number, number>;
  /** All that the values are framed with. */
  readonly schemaIds: ReadonlySet<number>;
  /** The memory in which they are, when both threads see it, and where what is free of it begins. */
  readonly shared: { readonly memory: SharedArrayBuffer; readonly end: number } | undefined;
}

/** Packs records one after the other, in the order of their offsets. */
export class Packing {
  /** Where the caller puts keys and values. */
  readonly data: Buffer;
  readonly #coordinates: Float64Array;
  readonly #layout: Int32Array;
  readonly #capacity: number;
  readonly #room: Arena;
  readonly #headers = new Map<number, Headers>();
  readonly #headerBytesOf = new Map<number, number>();
  readonly #schemaIds = new Set<number>();
  #size = 0;
  #headerBytes = 0;
  #lastId: number | undefined;

  /**
   * @param capacity how many records there are at most
   * @param dataBytes how long keys and values are together
   */
  constructor(capacity: number, dataBytes: number, room: Arena) {
    this.#capacity = capacity;
    this.#room = room;
    const { buffer, byteOffset } = room.uint8(dataBytes);
    this.data = Buffer.from(buffer, byteOffset, dataBytes);
    this.#coordinates = room.float64(capacity * 2);
    this.#layout = room.int32(capacity * WORDS);
  }

  /**
   * Adds a record whose bytes are in `data`.
   *
   * @param key where the key begins
   * @param keyLength -1: there is none; the same for the value
   */
  add(
    offset: number,
    timestamp: number,
    key: number,
    keyLength: number,
    value: number,
    valueLength: number,
  ): void {
    const index = this.#size++;
    this.#coordinates[index] = offset;
    this.#coordinates[this.#capacity + index] = timestamp;
    const at = index * WORDS;
    const layout = this.#layout;
    layout[at] = key;
    layout[at + 1] = keyLength;
    layout[at + 2] = value;
    layout[at + 3] = valueLength;
    const id = valueLength < 0 ? undefined : schemaIdOf(this.data, value, value + valueLength);
    if (id !== undefined && id !== this.#lastId) this.#schemaIds.add(id);
    this.#lastId = id;
  }

  /** The headers of the record that was added last; their bytes are copied. */
  addHeaders(headers: Headers): void {
    const own: Record<string, HeaderValue> = Object.create(null);
    const index = this.#size - 1;
    let bytes = 0;
    for (const name in headers) {
      own[name] = copyOf(headers[name]);
      bytes += HEADER_BYTES + name.length + lengthOf(headers[name]);
      this.#headers.set(index, own);
    }
    if (bytes === 0) return;
    this.#headerBytes += bytes;
    this.#headerBytesOf.set(index, bytes);
  }

  finish(): PackedRecords {
    const size = this.#size;
    const isFull = size === this.#capacity;
    const { memory, end } = this.#room;
    return {
      size,
      bytes: this.data.length + size * RECORD_BYTES + this.#headerBytes + BLOCK_BYTES,
      data: this.data,
      coordinates: isFull ? this.#coordinates : this.#trimmedCoordinates(),
      layout: isFull ? this.#layout : this.#layout.slice(0, size * WORDS),
      headers: this.#headers,
      headerBytes: this.#headerBytesOf,
      schemaIds: this.#schemaIds,
      shared: memory.byteLength === 0 ? undefined : { memory, end },
    };
  }

  #trimmedCoordinates(): Float64Array {
    const trimmed = new Float64Array(this.#size * 2);
    trimmed.set(this.#coordinates.subarray(0, this.#size));
    const timestamps = this.#coordinates.subarray(this.#capacity, this.#capacity + this.#size);
    trimmed.set(timestamps, this.#size);
    return trimmed;
  }
}

/** Not a part of a larger memory: handed to a thread, that would go along as a whole. */
function copyOf(header: HeaderValue): HeaderValue {
  if (header == null || typeof header === 'string') return header ?? undefined;
  if (Array.isArray(header)) return header.map((value) => copyOf(value) as Buffer | string);
  const copy = Buffer.allocUnsafeSlow(header.length);
  copy.set(header);
  return copy;
}

function lengthOf(header: HeaderValue): number {
  if (header == null) return 0;
  if (!Array.isArray(header)) return header.length;
  return header.reduce((sum, value) => sum + HEADER_BYTES + value.length, 0);
}
