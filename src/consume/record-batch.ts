import type { HeaderValue } from '../decode/consumed-record.ts';
import { Room } from '../fast-path/room.ts';
import { type PackedRecords, Packing, RECORD_BYTES } from './packed-records.ts';

/**
 * A record batch of Kafka's format 2 as it lies in a fetch, decompressed. Its records are read where
 * they lie, without an object for each.
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
export interface RecordBatch {
  /** The records, one behind the other. */
  readonly records: Buffer;
  readonly count: number;
  readonly baseOffset: number;
  /** Of the batch; the record that had it may have been compacted away. */
  readonly lastOffset: number;
  /** Milliseconds since 1970. */
  readonly baseTimestamp: number;
  /** Set when the broker gave every record the time at which it appended the batch. */
  readonly appendTimestamp: number | undefined;
  readonly producerId: string;
  readonly isTransactional: boolean;
}

/** Bytes in front of the records. */
const BATCH_HEADER_BYTES = 61;
const MAGIC = 2;
const ATTRIBUTE = { codec: 0x07, appendTime: 0x08, transactional: 0x10, control: 0x20 };

/**
 * Reads the batch that begins at `start`; `undefined`: it is cut off at the end, is of another format
 * or is a control batch.
 */
export async function readRecordBatch(
  bytes: Buffer,
  start: number,
  decompress: (codec: number, bytes: Buffer) => Promise<Buffer>,
): Promise<RecordBatch | undefined> {
  if (start + BATCH_HEADER_BYTES > bytes.length) return undefined;
  const end = endOfBatch(bytes, start);
  const attributes = bytes.readInt16BE(start + 21);
  const count = bytes.readInt32BE(start + 57);
  // A control batch that was compacted away holds nothing: kafkajs would not get past it.
  const isControl = (attributes & ATTRIBUTE.control) !== 0 && count > 0;
  const isPlain = bytes[start + 16] === MAGIC && !isControl;
  if (!isPlain || end > bytes.length) return undefined;
  const baseOffset = Number(bytes.readBigInt64BE(start));
  const body = bytes.subarray(start + BATCH_HEADER_BYTES, end);
  const codec = attributes & ATTRIBUTE.codec;
  return {
    records: codec === 0 || count === 0 ? body : await decompress(codec, body),
    count,
    baseOffset,
    lastOffset: baseOffset + bytes.readInt32BE(start + 23),
    baseTimestamp: Number(bytes.readBigInt64BE(start + 27)),
    appendTimestamp:
      (attributes & ATTRIBUTE.appendTime) === 0
        ? undefined
        : Number(bytes.readBigInt64BE(start + 35)),
    producerId: bytes.readBigInt64BE(start + 43).toString(),
    isTransactional: (attributes & ATTRIBUTE.transactional) !== 0,
  };
}

/** Where the batch that begins at `start` ends. */
export function endOfBatch(bytes: Buffer, start: number): number {
  return start + 12 + bytes.readInt32BE(start + 8);
}

export type MakeRoom = (bytes: number) => Room;
/** For what lies between arrays. */
const ALIGNMENT_BYTES = 128;

/**
 * Packs the records of some batches.
 *
 * @param fromOffset records in front of it are left out: a fetch begins with a whole batch
 * @param makeRoom for the records and what is read of them
 * @throws {RangeError} when the bytes of a batch are no records
 */
export function packBatches(
  batches: readonly RecordBatch[],
  fromOffset: number,
  makeRoom: MakeRoom = () => Room.none,
): PackedRecords {
  const bytes = batches.reduce((sum, { records }) => sum + records.length, 0);
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const room = makeRoom(bytes + count * RECORD_BYTES + ALIGNMENT_BYTES);
  const packing = new Packing(count, bytes, room);
  let base = 0;
  for (const batch of batches) {
    batch.records.copy(packing.data, base);
    new RecordCursor(batch).packInto(packing, base, fromOffset);
    base += batch.records.length;
  }
  return packing.finish();
}

/** Goes through the records of a batch. */
class RecordCursor {
  readonly #batch: RecordBatch;
  readonly #bytes: Buffer;
  #at = 0;

  constructor(batch: RecordBatch) {
    this.#batch = batch;
    this.#bytes = batch.records;
  }

  /** @param base where the records lie in the data of the packing */
  packInto(packing: Packing, base: number, fromOffset: number): void {
    const { baseOffset, baseTimestamp, appendTimestamp, count } = this.#batch;
    for (let i = 0; i < count; i += 1) {
      const end = this.#varint() + this.#at;
      // The attributes of a record mean nothing yet.
      this.#at += 1;
      const timestamp = appendTimestamp ?? baseTimestamp + this.#varint();
      if (appendTimestamp !== undefined) this.#varint();
      const offset = baseOffset + this.#varint();
      const keyLength = this.#varint();
      const key = this.#at;
      this.#at += Math.max(keyLength, 0);
      const valueLength = this.#varint();
      const value = this.#at;
      this.#at += Math.max(valueLength, 0);
      const headers = this.#varint();
      if (offset >= fromOffset) {
        packing.add(offset, timestamp, base + key, keyLength, base + value, valueLength);
        if (headers > 0) packing.addHeaders(this.#headers(headers));
      }
      if (this.#at > end || end > this.#bytes.length) {
        throw new RangeError(`the record at offset ${offset} does not end where it says`);
      }
      this.#at = end;
    }
  }

  /** A header that is repeated becomes an array, as in kafkajs; one without a value is not repeated. */
  #headers(count: number): Record<string, HeaderValue> {
    const headers: Record<string, HeaderValue> = Object.create(null);
    for (let i = 0; i < count; i += 1) {
      const name = this.#slice(this.#varint())?.toString('utf8') ?? '';
      const value = this.#slice(this.#varint());
      const before = headers[name];
      if (!(name in headers)) headers[name] = value;
      else if (value === undefined) continue;
      // Added in place: a message may repeat a header a quarter of a million times.
      else if (Array.isArray(before)) before.push(value);
      else headers[name] = before === undefined ? value : [before, value];
    }
    return headers;
  }

  #slice(length: number): Buffer | undefined {
    if (length < 0) return undefined;
    const start = this.#at;
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  /** Zigzag, up to 64 bits; exact up to 2^53. */
  #varint(): number {
    const bytes = this.#bytes;
    let byte = bytes[this.#at++] as number;
    let value = byte & 0x7f;
    let factor = 128;
    while (byte > 0x7f) {
      byte = bytes[this.#at++] as number;
      value += (byte & 0x7f) * factor;
      factor *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
