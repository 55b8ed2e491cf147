import type { KafkaMessage } from 'kafkajs';
import { messageOf } from '../../errors.ts';
import type { PackedRecords } from '../../records/packed-records.ts';
import { packRecords } from '../../records/record-block.ts';
import type { BatchMessage, Unreadable, UnreadableMessage } from './kafkajs-record-batches.ts';
import {
  type MakeArena,
  MalformedRecordsError,
  packBatches,
  type RecordBatch,
} from './record-batch.ts';

type Message = KafkaMessage | BatchMessage | UnreadableMessage;

export interface PackedMessages {
  readonly records: PackedRecords;
  /** Whether these are all; else those before the first one that cannot be read. */
  readonly isAll: boolean;
  /** The offset after them. */
  readonly nextOffset: number;
}

/**
 * Packs the messages of one partition, which are whole batches or messages of an old format, as far as
 * they can be read. What is unreadable comes by itself.
 */
export function packWhatCanBe(
  messages: readonly Message[],
  fromOffset: number,
  makeArena?: MakeArena,
): PackedMessages | { readonly unreadable: Unreadable } {
  const [first] = messages;
  if (first !== undefined && 'unreadable' in first) return { unreadable: first.unreadable };
  let count = messages.length;
  for (;;) {
    const some = messages.slice(0, count);
    try {
      const records = packed(some, fromOffset, makeArena);
      const nextOffset = Number(some.at(-1)?.offset ?? fromOffset - 1) + 1;
      return { records, isAll: count === messages.length, nextOffset };
    } catch (error) {
      if (!(error instanceof MalformedRecordsError)) throw error;
      // Records that are no records, which is seen only as they are read.
      if (count <= 1) return { unreadable: describe(first, fromOffset, messageOf(error)) };
      count -= 1;
    }
  }
}

function packed(
  messages: readonly Message[],
  fromOffset: number,
  makeArena: MakeArena | undefined,
): PackedRecords {
  const batches: RecordBatch[] = [];
  const singles: KafkaMessage[] = [];
  for (const message of messages) {
    if ('recordBatch' in message) batches.push(message.recordBatch);
    else if (!('unreadable' in message)) singles.push(message);
  }
  return batches.length > 0 ? packBatches(batches, fromOffset, makeArena) : packRecords(singles);
}

function describe(message: Message | undefined, fromOffset: number, why: string): Unreadable {
  const isBatch = message !== undefined && 'recordBatch' in message;
  const { baseOffset, lastOffset } = isBatch
    ? message.recordBatch
    : { baseOffset: fromOffset, lastOffset: fromOffset };
  return { why, firstOffset: baseOffset, lastOffset };
}
