import { createRequire } from 'node:module';
import { sleepUntilWoken } from './interruptible-sleep.ts';
import { endOfBatch, type RecordBatch, readRecordBatch } from './record-batch.ts';

/**
 * kafkajs makes an object of every record, with texts for its numbers and a decoder of its own: that
 * was most of the work of receiving, and of the garbage collector. Some of its modules are replaced,
 * in the thread of the group's member and nowhere else:
 *
 * - the one that decodes a record batch: it becomes one message that holds the whole batch, with the
 *   batch's last offset, which is all that kafkajs itself looks at;
 * - the one for what a fetch brought of a partition, which takes the offset of its first message for
 *   the first offset: here that is the last one of a batch, and so it is the one that was asked for;
 * - the one that leaves out what was aborted: it looked at one aborted transaction for each message,
 *   so that of several at once some messages came through;
 * - the one that sleeps, which it does for a whole fetch's wait when nothing is to be fetched: at the
 *   start and behind each rebalance, where the worker has only to say from where.
 *
 * None of them is part of kafkajs's documented surface: its version is exact in package.json, and
 * tests fail when this has no effect. To be called before kafkajs is loaded.
 */
export function receiveWholeBatches(): void {
  const replace = <T>(path: string, replacement: (original: T) => T) => {
    const file = require.resolve(`kafkajs/src/${path}`);
    const original = require(file) as T;
    const module = require.cache[file];
    if (module !== undefined) module.exports = replacement(original);
  };
  replace<DecodeBatch>('protocol/recordBatch/v0/decoder.js', wholeBatches);
  replace<FilterAborted>('consumer/filterAbortedMessages.js', () => withoutAborted);
  // Behind the filter, which it loads.
  replace<FetchedClass>('consumer/batch.js', fromWhereAsked);
  replace<typeof sleepUntilWoken>('utils/sleep.js', () => sleepUntilWoken);
}

const require = createRequire(import.meta.url);

interface Decoder {
  readonly buffer: Buffer;
  offset: number;
}
type DecodeBatch = (decoder: Decoder) => Promise<{ readonly records: readonly object[] }>;

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

/** Control batches, those that are cut off and those of old formats are for kafkajs. */
function wholeBatches(original: DecodeBatch): DecodeBatch {
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

type FetchedClass = new (...args: never[]) => { readonly fetchedOffset: string };

function fromWhereAsked(Fetched: FetchedClass): FetchedClass {
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
type FilterAborted = (fetched: {
  messages: TransactionMessage[];
  abortedTransactions?: readonly { producerId: string; firstOffset: string }[];
}) => TransactionMessage[];

/** A control record: version 0, type 0. */
const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);

/** Leaves out the messages of aborted transactions, which the brokers name as they ended. */
const withoutAborted: FilterAborted = ({ messages, abortedTransactions = [] }) => {
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
