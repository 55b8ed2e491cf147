import { Arena } from '../../bytes/arena.ts';
import type { HeaderValue } from '../../records/consumed-record.ts';
import { type PackedRecords, Packing, RECORD_BYTES } from '../../records/packed-records.ts';
import type { RecordBatch } from './record-batch.ts';

/** The bytes of a batch are no records. */
export class MalformedRecordsError extends RangeError {}

export type MakeArena = (bytes: number) => Arena;
/** For the gaps between arrays. */
const ALIGNMENT_BYTES = 128;

/**
 * Packs the records of some batches.
 *
 * @param fromOffset records before it are left out: a fetch begins with a whole batch
 * @param makeArena for the records and their columns
 * @throws {MalformedRecordsError} when the bytes of a batch are no records
 */
export function packBatches(
  batches: readonly RecordBatch[],
  fromOffset: number,
  makeArena: MakeArena = () => Arena.none,
): PackedRecords {
  const bytes = batches.reduce((sum, { records }) => sum + records.length, 0);
  const count = batches.reduce((sum, batch) => sum + batch.count, 0);
  const arena = makeArena(bytes + count * RECORD_BYTES + ALIGNMENT_BYTES);
  const packing = new Packing(count, bytes, arena);
  let base = 0;
  for (const batch of batches) {
    batch.records.copy(packing.data, base);
    new RecordCursor(batch).packInto(packing, base, fromOffset);
    base += batch.records.length;
  }
  return packing.finish();
}

/** Reads the records of a batch in order. Source: https://kafka.apache.org/documentation/#record */
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
      // A byte after the end is `undefined`, which makes the sums NaN: then neither holds.
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
