import { createRequire } from 'node:module';
import { endOfBatch, type RecordBatch, readRecordBatch } from './record-batch.ts';

const require = createRequire(import.meta.url);

interface Decoder {
  readonly buffer: Buffer;
  offset: number;
}
export type DecodeBatch = (decoder: Decoder) => Promise<{ readonly records: readonly object[] }>;

/** What kafkajs takes for a message. */
export interface BatchMessage {
  /** Of the batch's last record. */
  readonly offset: string;
  readonly key: null;
  readonly value: null;
  readonly isControlRecord: false;
  readonly batchContext: { readonly producerId: string; readonly inTransaction: boolean };
  readonly recordBatch: RecordBatch;
}

/**
 * Replaces what decodes a record batch: it becomes one message that holds the whole batch, with the
 * batch's last offset, which is all that kafkajs itself looks at. kafkajs would make an object of
 * every record, with texts for its numbers and a decoder of its own: that was most of the work of
 * receiving, and of the garbage collector. Control batches, those that are cut off and those of old
 * formats are for kafkajs.
 */
export function wholeBatches(original: DecodeBatch): DecodeBatch {
  return async (decoder) => {
    const { buffer, offset } = decoder;
    const batch = await readRecordBatch(buffer, offset, decompress);
    if (batch === undefined) return original(decoder);
    decoder.offset = endOfBatch(buffer, offset);
    const message: BatchMessage = {
      offset: String(batch.lastOffset),
      key: null,
      value: null,
      isControlRecord: false,
      batchContext: { producerId: batch.producerId, inTransaction: batch.isTransactional },
      recordBatch: batch,
    };
    return { records: [message] };
  };
}

/** By the codecs of kafkajs, which others may be added to. */
async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  const { lookupCodec } = require('kafkajs/src/protocol/message/compression') as {
    lookupCodec(codec: number): { decompress(bytes: Buffer): Promise<Buffer> };
  };
  return lookupCodec(codec).decompress(bytes);
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
