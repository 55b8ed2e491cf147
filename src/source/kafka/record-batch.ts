import { messageOf } from '../../errors.ts';
import { RECORD_BYTES } from '../../records/packed-records.ts';
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
  /** The records, one after the other. */
  readonly records: Buffer;
  /** Whether they are in memory of their own, and not in that of the fetch. */
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

/** Bytes before the records. */
const BATCH_HEADER_BYTES = 61;
const MAGIC = 2;
const ATTRIBUTE = { codec: 0x07, appendTime: 0x08, transactional: 0x10, control: 0x20 };
/** The checksum covers everything after it. */
const CHECKSUM_OFFSET = 17;
/** A record without key, value and headers. */
const LEAST_RECORD_BYTES = 7;
/**
 * What a batch may take once it is decompressed, its layout (`RECORD_BYTES`) included. A producer sends
 * 1 MB at a time unless it is configured otherwise.
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
  // Of a control batch that was compacted away nothing is left, and kafkajs would not move past it.
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
  // The layout of many small records takes more than their bytes.
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
