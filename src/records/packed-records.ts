import type { Arena } from '../bytes/arena.ts';
import type { HeaderValue } from './consumed-record.ts';
import { schemaIdOf } from './wire-format.ts';

/** About what a record takes beyond its bytes: coordinates, layout and columns. */
export const RECORD_BYTES = 124;
/** About what a block takes beyond its records: objects for its arrays, and the gaps between those. */
export const BLOCK_BYTES = 5_000;
/** About what a header takes beyond its bytes. */
const HEADER_BYTES = 200;

/** Words of `layout` for each record, and which is which. */
export const WORDS = 4;
export const WORD = { keyStart: 0, keyLength: 1, valueStart: 2, valueLength: 3 } as const;

export type Headers = Readonly<Record<string, HeaderValue>>;

/**
 * The records of one fetch of one partition, packed. Thousands of records wait in memory for their
 * transaction; as objects they would take much more, and the garbage collector would follow every one.
 * Plain data, which can be sent from thread to thread: `Packing` writes it, `RecordBlock` reads it.
 *
 * ```text
 * of n records:
 *
 *   data         ..key 0 value 0....key 1 value 1....                bytes, with whatever lies between
 *                  ^     ^
 *   layout       | keyStart, keyLength, valueStart, valueLength | 4 more of record 1 | ...      int32
 *                  starts count from the begin of data; length -1: there is none
 *   coordinates  | offset 0 .. offset n-1 | timestamp 0 .. timestamp n-1 |                    float64
 *   headers      index -> headers, for the few records that have any
 *
 * in shared memory, when the fetch is large, these lie one after the other:
 *
 *   | data | coordinates | layout | columns that were read ahead (`Columns`) | free |
 *                                 ^ shared.end, before the columns are written
 * ```
 */
export interface PackedRecords {
  readonly size: number;
  /** About what they take in memory. */
  readonly bytes: number;
  readonly data: Uint8Array;
  readonly coordinates: Float64Array;
  readonly layout: Int32Array;
  readonly headers: ReadonlyMap<number, Headers>;
  /** About what those headers take in memory, by the same index. */
  readonly headerBytes: ReadonlyMap<number, number>;
  /** Every schema id that a value is framed with. */
  readonly schemaIds: ReadonlySet<number>;
  /** The memory that both threads see, and where its free part begins; `undefined`: it is not shared. */
  readonly shared: { readonly memory: SharedArrayBuffer; readonly end: number } | undefined;
}

/** Writes `PackedRecords`, in the order of offsets. */
export class Packing {
  /** Where the caller puts keys and values. */
  readonly data: Buffer;
  readonly #coordinates: Float64Array;
  readonly #layout: Int32Array;
  readonly #capacity: number;
  readonly #arena: Arena;
  readonly #headers = new Map<number, Headers>();
  readonly #headerBytesOf = new Map<number, number>();
  readonly #schemaIds = new Set<number>();
  #size = 0;
  #headerBytes = 0;
  #lastId: number | undefined;

  /**
   * @param capacity the number of records at most
   * @param dataBytes the length of `data`
   */
  constructor(capacity: number, dataBytes: number, arena: Arena) {
    this.#capacity = capacity;
    this.#arena = arena;
    const { buffer, byteOffset } = arena.uint8(dataBytes);
    this.data = Buffer.from(buffer, byteOffset, dataBytes);
    this.#coordinates = arena.float64(capacity * 2);
    this.#layout = arena.int32(capacity * WORDS);
  }

  /**
   * Adds a record whose bytes are in `data`.
   *
   * @param key where the key begins in `data`; `value` likewise
   * @param keyLength -1: there is none; `valueLength` likewise
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
    this.#layout[at + WORD.keyStart] = key;
    this.#layout[at + WORD.keyLength] = keyLength;
    this.#layout[at + WORD.valueStart] = value;
    this.#layout[at + WORD.valueLength] = valueLength;
    const id = valueLength < 0 ? undefined : schemaIdOf(this.data, value, value + valueLength);
    if (id !== undefined && id !== this.#lastId) this.#schemaIds.add(id);
    this.#lastId = id;
  }

  /** Copies the headers of the record that was added last. */
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
    const { memory, end } = this.#arena;
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

/** Not a view of a larger memory: sent to a thread, all of that would be copied. */
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
