import type { ConsumedRecord, HeaderValue } from '../decode/consumed-record.ts';
import { type Memory, memoryOf } from '../decode/memory.ts';
import { schemaIdOf } from '../decode/wire-format.ts';

/** A record as a Kafka client gives it. */
export interface FetchedRecord {
  readonly offset: number | string;
  readonly timestamp: number | string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, HeaderValue>> | undefined;
}

const NO_HEADERS: Readonly<Record<string, HeaderValue>> = Object.freeze({});
/** What a record takes beside its bytes: its coordinates and lengths. */
const RECORD_BYTES = 32;
/** About what a header takes beside its bytes. */
const HEADER_BYTES = 200;
/** For each record: where its key starts, its length (-1: null), and the same of its value. */
const WORDS = 4;
/** A range of the client's memory is copied as a whole when it holds little else than the records. */
const MOST_WASTE = 1.3;

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
  readonly headers: ReadonlyMap<number, Readonly<Record<string, HeaderValue>>>;
  /** All that the values are framed with. */
  readonly schemaIds: ReadonlySet<number>;
}

/** @param records in the order of their offsets; their bytes are copied */
export function packRecords(records: readonly FetchedRecord[]): PackedRecords {
  const size = records.length;
  const data = new BlockData(records);
  const coordinates = new Float64Array(size * 2);
  const layout = new Int32Array(size * WORDS);
  const withHeaders = new Map<number, Readonly<Record<string, HeaderValue>>>();
  const schemaIds = new Set<number>();
  let lastId: number | undefined;
  let headerBytes = 0;
  for (let i = 0; i < size; i += 1) {
    const { offset, timestamp, key, value, headers } = records[i] as FetchedRecord;
    coordinates[i] = Number(offset);
    coordinates[size + i] = Number(timestamp);
    const at = i * WORDS;
    layout[at] = key === null ? 0 : data.add(key);
    layout[at + 1] = key === null ? -1 : key.length;
    layout[at + 2] = value === null ? 0 : data.add(value);
    layout[at + 3] = value === null ? -1 : value.length;
    const schemaId = value === null ? undefined : schemaIdOf(value);
    if (schemaId !== undefined && schemaId !== lastId) schemaIds.add(schemaId);
    lastId = schemaId;
    for (const name in headers) {
      withHeaders.set(i, headers);
      headerBytes += HEADER_BYTES + name.length + lengthOf(headers[name]);
    }
  }
  const bytes = data.bytes.length + size * RECORD_BYTES + headerBytes;
  const parts = { data: data.bytes, coordinates, layout, headers: withHeaders, schemaIds };
  return { size, bytes, ...parts };
}

/** Reads packed records. */
export class RecordBlock {
  readonly size: number;
  /** About what the block takes in memory. */
  readonly bytes: number;
  readonly packed: PackedRecords;
  /** The bytes of all keys and values. */
  readonly memory: Memory;
  readonly #offsets: Float64Array;
  readonly #timestamps: Float64Array;
  readonly #layout: Int32Array;
  readonly #headers: PackedRecords['headers'];

  constructor(packed: PackedRecords) {
    const { size, bytes, data, coordinates, layout, headers } = packed;
    this.packed = packed;
    this.size = size;
    this.bytes = bytes;
    this.memory = memoryOf(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    this.#offsets = coordinates.subarray(0, size);
    this.#timestamps = coordinates.subarray(size);
    this.#layout = layout;
    this.#headers = headers;
  }

  static of(records: readonly FetchedRecord[]): RecordBlock {
    return new RecordBlock(packRecords(records));
  }

  offsetAt(index: number): number {
    return this.#offsets[index] as number;
  }

  timestampAt(index: number): number {
    return this.#timestamps[index] as number;
  }

  /** Shares memory with the block. */
  keyAt(index: number): Buffer | null {
    return this.#slice(index * WORDS);
  }

  /** Shares memory with the block. */
  valueAt(index: number): Buffer | null {
    return this.#slice(index * WORDS + 2);
  }

  /** Where the value lies in `memory`; its length is -1 for a tombstone. */
  valueStartAt(index: number): number {
    return this.#layout[index * WORDS + 2] as number;
  }

  valueLengthAt(index: number): number {
    return this.#layout[index * WORDS + 3] as number;
  }

  #slice(at: number): Buffer | null {
    const start = this.#layout[at] as number;
    const length = this.#layout[at + 1] as number;
    return length < 0 ? null : this.memory.bytes.subarray(start, start + length);
  }

  headersAt(index: number): Readonly<Record<string, HeaderValue>> {
    const headers = this.#headers.get(index);
    if (headers === undefined) return NO_HEADERS;
    const buffers: Record<string, HeaderValue> = Object.create(null);
    for (const name in headers) buffers[name] = bufferOf(headers[name]);
    return buffers;
  }

  /** Bytes of key and value, and what a record takes beside. */
  bytesAt(index: number): number {
    const key = this.#layout[index * WORDS + 1] as number;
    const value = this.#layout[index * WORDS + 3] as number;
    return Math.max(key, 0) + Math.max(value, 0) + RECORD_BYTES;
  }

  recordAt(index: number): PackedRecord {
    return new PackedRecord(this, index);
  }
}

/** A record that is read out of its block when it is asked. */
export class PackedRecord implements ConsumedRecord {
  readonly #block: RecordBlock;
  readonly #index: number;

  constructor(block: RecordBlock, index: number) {
    this.#block = block;
    this.#index = index;
  }
  get memory(): Memory {
    return this.#block.memory;
  }
  /** Where the value lies in `memory`. */
  get valueStart(): number {
    return this.#block.valueStartAt(this.#index);
  }
  /** -1: a tombstone. */
  get valueLength(): number {
    return this.#block.valueLengthAt(this.#index);
  }
  get offset(): number {
    return this.#block.offsetAt(this.#index);
  }
  get timestamp(): number {
    return this.#block.timestampAt(this.#index);
  }
  get key(): Buffer | null {
    return this.#block.keyAt(this.#index);
  }
  get value(): Buffer | null {
    return this.#block.valueAt(this.#index);
  }
  get headers(): Readonly<Record<string, HeaderValue>> {
    return this.#block.headersAt(this.#index);
  }
}

/** What was handed from another thread is no Buffer any more. */
function bufferOf(header: HeaderValue | Uint8Array): HeaderValue {
  if (Array.isArray(header)) return header.map((value) => bufferOf(value) as Buffer | string);
  return header instanceof Uint8Array ? Buffer.from(header) : header;
}

function lengthOf(header: HeaderValue): number {
  if (header === undefined) return 0;
  if (!Array.isArray(header)) return header.length;
  return header.reduce((sum, value) => sum + value.length, 0);
}

/** The bytes of keys and values, in one buffer of our own. */
class BlockData {
  readonly bytes: Buffer;
  /** Set when the range of the client's memory was copied as it is: where it begins there. */
  readonly #rangeStart: number | undefined;
  #end = 0;

  constructor(records: readonly FetchedRecord[]) {
    const range = new MemoryRange();
    for (const { key, value } of records) {
      if (key !== null) range.include(key);
      if (value !== null) range.include(value);
    }
    const { memory, start, end, length } = range;
    // Not from the pool of small buffers: nothing else is kept alive with it.
    if (range.isOne && memory !== undefined && end - start <= length * MOST_WASTE) {
      this.bytes = Buffer.allocUnsafeSlow(end - start);
      this.bytes.set(new Uint8Array(memory, start, end - start));
      this.#rangeStart = start;
    } else {
      this.bytes = Buffer.allocUnsafeSlow(length);
      this.#rangeStart = undefined;
    }
  }

  /** Where in `bytes` these are. */
  add(bytes: Buffer): number {
    if (this.#rangeStart !== undefined) return bytes.byteOffset - this.#rangeStart;
    const at = this.#end;
    this.#end += bytes.copy(this.bytes, at);
    return at;
  }
}

/** The range of memory that buffers lie in, if it is one. */
class MemoryRange {
  memory: ArrayBufferLike | undefined;
  isOne = true;
  start = Number.MAX_SAFE_INTEGER;
  end = 0;
  /** Of the buffers together. */
  length = 0;

  include(bytes: Buffer): void {
    this.memory ??= bytes.buffer;
    if (bytes.buffer !== this.memory) this.isOne = false;
    this.start = Math.min(this.start, bytes.byteOffset);
    this.end = Math.max(this.end, bytes.byteOffset + bytes.length);
    this.length += bytes.length;
  }
}
