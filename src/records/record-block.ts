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
  WORD,
  WORDS,
} from './packed-records.ts';

/** A record as a Kafka client delivers it. */
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

/** Reads packed records; see there for what lies where. */
export class RecordBlock {
  readonly size: number;
  /** About what the block takes in memory. */
  readonly bytes: number;
  readonly packed: PackedRecords;
  /** What was read ahead; `undefined`: nothing yet. */
  columns: Columns | undefined;
  /** The bytes of all keys and values. */
  memory: ByteView;
  #offsets: Float64Array;
  #timestamps: Float64Array;
  #layout: Int32Array;
  readonly #headers: PackedRecords['headers'];
  readonly #giveBack: ((memory: SharedArrayBuffer) => void) | undefined;

  /** @param giveBack takes the shared memory once it is released */
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

  /** The memory of the records and their columns that is not shared: what a message transfers. */
  get memories(): ArrayBuffer[] {
    const { data, coordinates, layout } = this.packed;
    const arrays = [data, coordinates, layout, ...Object.values(this.columns ?? {})];
    return arrays.map(({ buffer }) => buffer).filter((buffer) => buffer instanceof ArrayBuffer);
  }

  /** Gives shared memory back, to be overwritten. To read the block throws from now on. */
  release(): void {
    const { shared } = this.packed;
    if (shared === undefined || this.#giveBack === undefined) return;
    // Given back twice, it would be overwritten by two fetches at once.
    if (this.memory === NO_MEMORY) throw new Error(`${RELEASED} was released twice`);
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

  /** Shares memory with the block. `null`: it has none. */
  keyAt(index: number): Buffer | null {
    return this.#slice(this.keyStartAt(index), this.keyLengthAt(index));
  }

  /** Shares memory with the block. `null`: a tombstone. */
  valueAt(index: number): Buffer | null {
    return this.#slice(this.valueStartAt(index), this.valueLengthAt(index));
  }

  /** Where the key begins in `memory`. */
  keyStartAt(index: number): number {
    return this.#layout[index * WORDS + WORD.keyStart] as number;
  }

  /** -1: there is no key. */
  keyLengthAt(index: number): number {
    return this.#layout[index * WORDS + WORD.keyLength] as number;
  }

  /** Where the value begins in `memory`. */
  valueStartAt(index: number): number {
    return this.#layout[index * WORDS + WORD.valueStart] as number;
  }

  /** -1: a tombstone. */
  valueLengthAt(index: number): number {
    return this.#layout[index * WORDS + WORD.valueLength] as number;
  }

  hasHeaders(index: number): boolean {
    return this.#headers.has(index);
  }

  headersAt(index: number): Headers {
    const headers = this.#headers.get(index);
    if (headers === undefined) return NO_HEADERS;
    const buffers: Record<string, HeaderValue> = Object.create(null);
    for (const name in headers) buffers[name] = bufferOf(headers[name]);
    return buffers;
  }

  /** About what a record takes in memory. */
  bytesAt(index: number): number {
    const { headerBytes } = this.packed;
    const headers = headerBytes.size === 0 ? 0 : (headerBytes.get(index) ?? 0);
    const key = Math.max(this.keyLengthAt(index), 0);
    return key + Math.max(this.valueLengthAt(index), 0) + headers + RECORD_BYTES;
  }

  recordAt(index: number): ConsumedRecord {
    return new PackedRecord(this, index);
  }

  #slice(start: number, length: number): Buffer | null {
    return length < 0 ? null : this.memory.bytes.subarray(start, start + length);
  }
}

/** A record whose fields are read from its block on access. */
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

/** A Buffer that was sent by another thread arrives as a Uint8Array. */
function bufferOf(header: HeaderValue | Uint8Array): HeaderValue {
  if (Array.isArray(header)) return header.map((value) => bufferOf(value) as Buffer | string);
  return header instanceof Uint8Array ? Buffer.from(header) : header;
}
