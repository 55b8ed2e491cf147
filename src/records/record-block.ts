import { Arena } from '../bytes/arena.ts';
import { type ByteView, byteViewOf } from '../bytes/byte-view.ts';
import { givenBack } from '../bytes/given-back.ts';
import type { Columns } from './columns.ts';
import type { ConsumedRecord, HeaderValue } from './consumed-record.ts';
import {
  type Headers,
  type PackedRecords,
  Packing,
  RECORD_BYTES,
  WORDS,
} from './packed-records.ts';

/** A record as a Kafka client gives it. */
export interface FetchedRecord {
  readonly offset: number | string;
  readonly timestamp: number | string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Headers | undefined;
}

const RELEASED = 'a block of records';
const NO_MEMORY = givenBack<ByteView>(RELEASED);
const NO_NUMBERS = givenBack<Float64Array>(RELEASED);
const NO_LAYOUT = givenBack<Int32Array>(RELEASED);
const NO_HEADERS: Headers = Object.freeze({});

/** @param records in the order of their offsets; their bytes are copied */
export function packRecords(records: readonly FetchedRecord[]): PackedRecords {
  const length = (bytes: Buffer | null) => bytes?.length ?? 0;
  const bytes = records.reduce((sum, { key, value }) => sum + length(key) + length(value), 0);
  const packing = new Packing(records.length, bytes, Arena.none);
  let end = 0;
  for (const { offset, timestamp, key, value, headers } of records) {
    const at = end;
    end += key?.copy(packing.data, end) ?? 0;
    const valueAt = end;
    end += value?.copy(packing.data, end) ?? 0;
    const [keyLength, valueLength] = [key?.length ?? -1, value?.length ?? -1];
    packing.add(Number(offset), Number(timestamp), at, keyLength, valueAt, valueLength);
    if (headers !== undefined) packing.addHeaders(headers);
  }
  return packing.finish();
}

/** Reads packed records. */
export class RecordBlock {
  readonly size: number;
  /** About what the block takes in memory. */
  readonly bytes: number;
  readonly packed: PackedRecords;
  /** What was read ahead of its records; `undefined`: nothing yet. */
  columns: Columns | undefined;
  /** The bytes of all keys and values. */
  memory: ByteView;
  #offsets: Float64Array;
  #timestamps: Float64Array;
  #layout: Int32Array;
  readonly #headers: PackedRecords['headers'];
  readonly #giveBack: ((memory: SharedArrayBuffer) => void) | undefined;

  /** @param giveBack takes shared memory when it is not needed any more */
  constructor(
    packed: PackedRecords,
    columns?: Columns,
    giveBack?: (memory: SharedArrayBuffer) => void,
  ) {
    this.#giveBack = giveBack;
    const { size, bytes, data, coordinates, layout, headers } = packed;
    this.packed = packed;
    this.columns = columns;
    this.size = size;
    this.bytes = bytes;
    this.memory = byteViewOf(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    this.#offsets = coordinates.subarray(0, size);
    this.#timestamps = coordinates.subarray(size);
    this.#layout = layout;
    this.#headers = headers;
  }

  static of(records: readonly FetchedRecord[]): RecordBlock {
    return new RecordBlock(packRecords(records));
  }

  /** The memory that the records and their columns are in and that is not shared. */
  get memories(): ArrayBuffer[] {
    const { data, coordinates, layout } = this.packed;
    const arrays = [data, coordinates, layout, ...Object.values(this.columns ?? {})];
    return arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  }

  /** Gives shared memory back: it is written over, and to read the block is an error from now on. */
  release(): void {
    const { shared } = this.packed;
    if (shared === undefined || this.#giveBack === undefined) return;
    this.memory = NO_MEMORY;
    this.#offsets = NO_NUMBERS;
    this.#timestamps = NO_NUMBERS;
    this.#layout = NO_LAYOUT;
    this.columns = undefined;
    this.#giveBack(shared.memory);
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

  /** Where the key lies in `memory`; its length is -1 when there is none. */
  keyStartAt(index: number): number {
    return this.#layout[index * WORDS] as number;
  }

  keyLengthAt(index: number): number {
    return this.#layout[index * WORDS + 1] as number;
  }

  hasHeaders(index: number): boolean {
    return this.#headers.has(index);
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

  headersAt(index: number): Headers {
    const headers = this.#headers.get(index);
    if (headers === undefined) return NO_HEADERS;
    const buffers: Record<string, HeaderValue> = Object.create(null);
    for (const name in headers) buffers[name] = bufferOf(headers[name]);
    return buffers;
  }

  /** Bytes of key, value and headers, and what a record takes beside. */
  bytesAt(index: number): number {
    const key = this.#layout[index * WORDS + 1] as number;
    const value = this.#layout[index * WORDS + 3] as number;
    const { headerBytes } = this.packed;
    const headers = headerBytes.size === 0 ? 0 : (headerBytes.get(index) ?? 0);
    return Math.max(key, 0) + Math.max(value, 0) + headers + RECORD_BYTES;
  }

  recordAt(index: number): ConsumedRecord {
    return new PackedRecord(this, index);
  }
}

/** A record that is read out of its block when it is asked. */
class PackedRecord implements ConsumedRecord {
  readonly #block: RecordBlock;
  readonly #index: number;

  constructor(block: RecordBlock, index: number) {
    this.#block = block;
    this.#index = index;
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
  get headers(): Headers {
    return this.#block.headersAt(this.#index);
  }
}

/** What was handed from another thread is no Buffer any more. */
function bufferOf(header: HeaderValue | Uint8Array): HeaderValue {
  if (Array.isArray(header)) return header.map((value) => bufferOf(value) as Buffer | string);
  return header instanceof Uint8Array ? Buffer.from(header) : header;
}
