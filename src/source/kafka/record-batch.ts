import { Arena } from '../../bytes/arena.ts';
import { messageOf } from '../../errors.ts';
import type { HeaderValue } from '../../records/consumed-record.ts';
import { type PackedRecords, Packing, RECORD_BYTES } from '../../records/packed-records.ts';
import { crc32c } from './checksum.ts';
import { CODECS } from './codecs/codecs.ts';
import { TooLargeError } from './codecs/too-large.ts';

/**
 * A record batch of Kafka's format 2 as it lies in a fetch, decompressed. Its records are read where
 * they lie, without an object for each.
 *
 * Source: https://kafka.apache.org/documentation/#recordbatch
 */
export interface RecordBatch {
  /** The records, one behind the other. */
  readonly records: Buffer;
  /** Whether they are in memory of their own. */
  readonly isCompressed: boolean;
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
/** The checksum covers everything after it. */
const CHECKSUM_OFFSET = 17;
/** A record without key, value and headers. */
const LEAST_RECORD_BYTES = 7;
/**
 * What a batch may take once it is decompressed, with what is kept beside its records. A producer
 * sends 1 MB at a time unless it is configured otherwise.
 */
export const MAX_DECOMPRESSED_BYTES = 32 * 1_048_576;

/**
 * Reads the batch that begins at `start`; `undefined`: it is cut off at the end, is of another format
 * or is a control batch.
 *
 * @throws {Error} when it cannot be read; the message is for a person
 */
export async function readRecordBatch(
  bytes: Buffer,
  start: number,
): Promise<RecordBatch | undefined> {
  if (start + BATCH_HEADER_BYTES > bytes.length) return undefined;
  const end = endOfBatch(bytes, start);
  const attributes = bytes.readInt16BE(start + 21);
  const count = bytes.readInt32BE(start + 57);
  // A control batch that was compacted away holds nothing: kafkajs would not get past it.
  const isControl = (attributes & ATTRIBUTE.control) !== 0 && count > 0;
  if (bytes[start + 16] !== MAGIC || end > bytes.length) return undefined;
  const stored = bytes.readUInt32BE(start + CHECKSUM_OFFSET);
  const computed = crc32c?.(bytes.subarray(start + CHECKSUM_OFFSET + 4, end));
  if (computed !== undefined && computed !== stored) {
    throw new Error(`its checksum is ${computed}, stored is ${stored}: the bytes have changed`);
  }
  if (isControl) return undefined;
  const baseOffset = Number(bytes.readBigInt64BE(start));
  const body = bytes.subarray(start + BATCH_HEADER_BYTES, end);
  const codec = attributes & ATTRIBUTE.codec;
  const records = codec === 0 || count === 0 ? body : await decompressed(codec, body, count);
  if (count < 0 || count * LEAST_RECORD_BYTES > records.length) {
    throw new Error(`its ${records.length} bytes are too few for ${count} records`);
  }
  return {
    records,
    isCompressed: records !== body,
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

async function decompressed(number: number, body: Buffer, count: number): Promise<Buffer> {
  const codec = CODECS.get(number);
  if (codec === undefined) throw new Error(`its compression codec, number ${number}, is unknown`);
  // Many small records take more beside their bytes than the bytes.
  const maxBytes = MAX_DECOMPRESSED_BYTES - count * RECORD_BYTES;
  try {
    if (maxBytes < 0) throw new TooLargeError();
    return await codec.decompress(body, maxBytes);
  } catch (error) {
    const why =
      error instanceof TooLargeError
        ? `it takes more than ${MAX_DECOMPRESSED_BYTES} bytes when decompressed`
        : messageOf(error);
    throw new Error(`it is compressed with ${codec.name}: ${why}`, { cause: error });
  }
}

/** Where the batch that begins at `start` ends. */
export function endOfBatch(bytes: Buffer, start: number): number {
  return start + 12 + bytes.readInt32BE(start + 8);
}

/** What should be records is something else. */
export class MalformedRecordsError extends RangeError {}

export type MakeArena = (bytes: number) => Arena;
/** For what lies between arrays. */
const ALIGNMENT_BYTES = 128;

/**
 * Packs the records of some batches.
 *
 * @param fromOffset records in front of it are left out: a fetch begins with a whole batch
 * @param makeArena for the records and what is read of them
 * @throws {MalformedRecordsError} when the bytes of a batch are no records
 */
export function packBatches(
  batches: readonly RecordBatch[],
  fromOffset: number,
  makeArena: MakeArena = () => Arena.none,
): PackedRecords {
  const bytes = batches.reduce((sum, { records }) => sum + records.length, 0);
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const room = makeArena(bytes + count * RECORD_BYTES + ALIGNMENT_BYTES);
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
      // Of what lies beyond the end, nothing is a number.
      if (!(this.#at <= end && end <= this.#bytes.length)) {
        throw new MalformedRecordsError(
          `the record at offset ${offset} does not end where it says`,
        );
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
