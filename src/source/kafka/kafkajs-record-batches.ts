import { MEMORY_BUDGET } from '../../config/memory-budget.ts';
import { messageOf } from '../../errors.ts';
import { endOfBatch, type RecordBatch, readRecordBatch } from './record-batch.ts';

interface Decoder {
  readonly buffer: Buffer;
  readInt32(): number;
  canReadBytes(length: number): boolean;
  readBytes(length: number): Buffer;
}
type DecoderClass = new (buffer: Buffer) => Decoder;
export type DecodeMessages = (decoder: Decoder) => Promise<object[]>;

/** What kafkajs looks at in a message. */
interface KafkaJsMessage {
  readonly offset: string;
  readonly key: null;
  readonly value: null;
  readonly isControlRecord: false;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}

/** A whole batch, in place of its records; its offset is that of the last one. */
export interface BatchMessage extends KafkaJsMessage {
  readonly recordBatch: RecordBatch;
}

/** In place of all that follows in its partition: what cannot be read there, and why. */
export interface UnreadableMessage extends KafkaJsMessage {
  readonly unreadable: Unreadable;
}

export interface Unreadable {
  readonly why: string;
  /** The offsets of the batch, by its header. */
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** Bytes in front of what says how an entry is written: its offset, its length, 4 more. */
const FORMAT_OFFSET = 16;
const FORMATS = { old: [0, 1], batches: 2 };
/** Never less than what was asked for. */
const UNREADABLE_OFFSET = String(Number.MAX_SAFE_INTEGER);

/**
 * Replaces what decodes the messages of one partition in an answer: each record batch becomes one
 * message that holds it whole, with its last offset, which is all that kafkajs itself looks at.
 * kafkajs would make an object of every record, with texts for its numbers and a decoder of its own:
 * that was most of the work of receiving, and of the garbage collector.
 *
 * What cannot be read ends what is read of this partition, and becomes a message that says why: thrown
 * here, an error would end the consumer, with all of its partitions, and again at its next fetch.
 *
 * Control batches and old formats are for kafkajs.
 */
export function wholeBatches(original: DecodeMessages): DecodeMessages {
  /** How much was decompressed of an answer, by the buffer that it is in. */
  const decompressed = new WeakMap<Buffer, number>();
  return async (decoder) => {
    const size = decoder.readInt32();
    if (size <= 0 || !decoder.canReadBytes(size)) return [];
    const bytes = decoder.readBytes(size);
    const messages: object[] = [];
    let isOld: boolean | undefined;
    for (let at = 0; at + FORMAT_OFFSET < bytes.length; at = endOfBatch(bytes, at)) {
      const end = endOfBatch(bytes, at);
      // What the broker cut off comes with the next fetch.
      if (end > bytes.length) break;
      const soFar = decompressed.get(decoder.buffer) ?? 0;
      if (soFar > MEMORY_BUDGET.decompressedResponse) break;
      const format = bytes[at + FORMAT_OFFSET] as number;
      // The two are packed in different ways.
      if (isOld !== undefined && isOld !== FORMATS.old.includes(format)) break;
      isOld = FORMATS.old.includes(format);
      try {
        if (end <= at + FORMAT_OFFSET) throw new Error('its length is wrong');
        if (!isOld && format !== FORMATS.batches) throw new Error(`its format is ${format}`);
        const batch = isOld ? undefined : await readRecordBatch(bytes, at);
        if (batch === undefined) {
          const found = await original(alone(decoder, bytes.subarray(at, end)));
          // kafkajs takes what makes no sense for something cut off.
          if (found.length === 0) throw new Error('it holds no message');
          messages.push(...found);
          continue;
        }
        if (batch.isCompressed) decompressed.set(decoder.buffer, soFar + batch.records.length);
        messages.push(messageOfBatch(batch));
      } catch (error) {
        // What was read before it is handed over first.
        if (messages.length === 0) messages.push(unreadable(bytes, at, messageOf(error)));
        break;
      }
    }
    return messages;
  };
}

/** One entry, as if it were all that came. */
function alone(decoder: Decoder, entry: Buffer): Decoder {
  const size = Buffer.alloc(4);
  size.writeInt32BE(entry.length);
  return new (decoder.constructor as DecoderClass)(Buffer.concat([size, entry]));
}

function messageOfBatch(batch: RecordBatch): BatchMessage {
  const { producerId, isTransactional: inTransaction, lastOffset } = batch;
  return { ...message(String(lastOffset), producerId, inTransaction), recordBatch: batch };
}

function unreadable(bytes: Buffer, at: number, why: string): UnreadableMessage {
  const firstOffset = Number(bytes.readBigInt64BE(at));
  const isBatch = bytes[at + FORMAT_OFFSET] === FORMATS.batches && at + 27 <= bytes.length;
  const lastOffset = firstOffset + (isBatch ? bytes.readInt32BE(at + 23) : 0);
  return {
    ...message(UNREADABLE_OFFSET, '-1', false),
    unreadable: { why, firstOffset, lastOffset },
  };
}

function message(offset: string, producerId: string, inTransaction: boolean): KafkaJsMessage {
  const batchContext = { producerId, inTransaction };
  return { offset, key: null, value: null, isControlRecord: false, batchContext };
}

export type FetchedClass = new (...args: never[]) => { readonly fetchedOffset: string };

/**
 * Replaces what a fetch brought of a partition, which takes the offset of its first message for the
 * first offset: here that is the last one of a batch, and so it is the one that was asked for.
 */
export function fromWhereAsked(Fetched: FetchedClass): FetchedClass {
  return class extends Fetched {
    firstOffset(): string {
      return this.fetchedOffset;
    }
  };
}

interface TransactionMessage {
  readonly offset: string;
  readonly key: Buffer | null;
  readonly isControlRecord: boolean;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
}
export type FilterAborted = (fetched: {
  messages: TransactionMessage[];
  abortedTransactions?: readonly { producerId: string; firstOffset: string }[];
}) => TransactionMessage[];

/** A control record: version 0, type 0. */
const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);

/**
 * Leaves out the messages of aborted transactions, which the brokers name as they ended. kafkajs
 * looks at one aborted transaction for each message, so that of several at once some came through.
 */
export const withoutAborted: FilterAborted = ({ messages, abortedTransactions = [] }) => {
  if (abortedTransactions.length === 0) return messages;
  const waiting = abortedTransactions.toSorted(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  );
  const aborted = new Set<string>();
  return messages.filter(({ offset, key, isControlRecord, batchContext }) => {
    const { producerId, inTransaction } = batchContext;
    while (waiting[0] !== undefined && Number(waiting[0].firstOffset) <= Number(offset)) {
      aborted.add(waiting[0].producerId);
      waiting.shift();
    }
    if (isControlRecord) {
      if (key?.equals(ABORT_MARKER)) aborted.delete(producerId);
      return true;
    }
    return !(inTransaction && aborted.has(producerId));
  });
};
