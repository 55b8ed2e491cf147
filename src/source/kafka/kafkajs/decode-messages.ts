/*
 * kafkajs: decodes each record of a fetch into an object of a dozen fields, with texts for its numbers
 * and a decoder of its own.
 * Not good enough: that was most of the work of receiving, and of the garbage collector. It verifies no
 * checksum. And what it cannot decode it throws, which ends the consumer with all of its partitions, and
 * again at its next fetch.
 * Replaced: `decodeMessages.js`, which decodes the records of one partition in an answer. Each record
 * batch becomes one entry that holds it whole. What cannot be read ends what is read of this partition,
 * and is an entry itself once nothing comes before it. Control batches and old formats are left to
 * kafkajs.
 */
import { MEMORY_BUDGET } from '../../../config/memory-budget.ts';
import { messageOf } from '../../../errors.ts';
import { endOfBatch, readRecordBatch } from '../record-batch.ts';
import type { Unreadable } from '../unreadable.ts';
import type { FetchedEntry, KafkaJsMessage } from './fetched-entry.ts';
import type { Patch } from './patch.ts';

interface Decoder {
  readonly buffer: Buffer;
  readInt32(): number;
  canReadBytes(length: number): boolean;
  readBytes(length: number): Buffer;
}
type DecoderClass = new (buffer: Buffer) => Decoder;
type KafkaJsDecode = (decoder: Decoder) => Promise<KafkaJsMessage[]>;
export type DecodeMessages = (decoder: Decoder) => Promise<FetchedEntry[]>;

/** Where an entry says how it is written: after its offset, its length and 4 bytes more. */
const FORMAT_OFFSET = 16;
const FORMATS = { old: [0, 1], batches: 2 };
/** Where the header of a record batch has its last offset, less its first. */
const LAST_OFFSET_DELTA_OFFSET = 23;
/** What one answer may become; the rest of it is fetched again. */
const MAX_DECOMPRESSED_PER_ANSWER = MEMORY_BUDGET.decompressedResponse;

export const decodeMessages: Patch<KafkaJsDecode> = {
  file: 'protocol/requests/fetch/v4/decodeMessages.js',
  replace: keepingBatches,
};

function keepingBatches(original: KafkaJsDecode): DecodeMessages {
  /** How much was decompressed of an answer, by the buffer that it is in. */
  const decompressed = new WeakMap<Buffer, number>();
  return async (decoder) => {
    const size = decoder.readInt32();
    if (size <= 0 || !decoder.canReadBytes(size)) return [];
    const bytes = decoder.readBytes(size);
    const entries: FetchedEntry[] = [];
    let isOld: boolean | undefined;
    for (let at = 0; at + FORMAT_OFFSET < bytes.length; at = endOfBatch(bytes, at)) {
      const end = endOfBatch(bytes, at);
      // What the broker cut off comes with the next fetch.
      if (end > bytes.length) break;
      const soFar = decompressed.get(decoder.buffer) ?? 0;
      if (soFar > MAX_DECOMPRESSED_PER_ANSWER) break;
      const format = bytes[at + FORMAT_OFFSET] as number;
      // The two are packed in different ways.
      if (isOld !== undefined && isOld !== FORMATS.old.includes(format)) break;
      isOld = FORMATS.old.includes(format);
      try {
        if (end <= at + FORMAT_OFFSET) throw new Error('its length is wrong');
        if (!isOld && format !== FORMATS.batches) throw new Error(`its format is ${format}`);
        const batch = isOld ? undefined : await readRecordBatch(bytes, at);
        if (batch === undefined) {
          const found = await original(decoderOf(decoder, bytes.subarray(at, end)));
          // kafkajs takes malformed bytes for an entry that was cut off.
          if (found.length === 0) throw new Error('it holds no message');
          entries.push(...found);
          continue;
        }
        if (batch.isCompressed) decompressed.set(decoder.buffer, soFar + batch.records.length);
        entries.push({ batch });
      } catch (error) {
        // What was read before it is delivered first.
        if (entries.length === 0) entries.push({ unreadable: describe(bytes, at, error) });
        break;
      }
    }
    return entries;
  };
}

/** Of one entry, as if it were all that came. */
function decoderOf(decoder: Decoder, entry: Buffer): Decoder {
  const size = Buffer.alloc(4);
  size.writeInt32BE(entry.length);
  return new (decoder.constructor as DecoderClass)(Buffer.concat([size, entry]));
}

function describe(bytes: Buffer, at: number, error: unknown): Unreadable {
  const firstOffset = Number(bytes.readBigInt64BE(at));
  const delta = at + LAST_OFFSET_DELTA_OFFSET;
  const isBatch = bytes[at + FORMAT_OFFSET] === FORMATS.batches && delta + 4 <= bytes.length;
  const lastOffset = firstOffset + (isBatch ? bytes.readInt32BE(delta) : 0);
  return { why: messageOf(error), firstOffset, lastOffset };
}
