import { messageOf } from '../../errors.ts';
import type { PackedRecords } from '../../records/packed-records.ts';
import { packRecords } from '../../records/record-block.ts';
import { type KafkaJsMessage, lastOffsetOf, type ReadableEntry } from './kafkajs/fetched-entry.ts';
import { type MakeArena, MalformedRecordsError, packBatches } from './pack-batches.ts';
import type { RecordBatch } from './record-batch.ts';
import type { Unreadable } from './unreadable.ts';

export interface PackedEntries {
  readonly records: PackedRecords;
  /** The offset after the last entry that could be read; `undefined`: that was all of them. */
  readonly malformedFrom: number | undefined;
}

/**
 * Packs the entries of one partition up to the first one that cannot be read. When that is the first of
 * all, the result says why.
 */
export function packEntries(
  entries: readonly ReadableEntry[],
  fromOffset: number,
  makeArena?: MakeArena,
): PackedEntries | { readonly unreadable: Unreadable } {
  let count = entries.length;
  for (;;) {
    const some = entries.slice(0, count);
    try {
      const records = packed(some, fromOffset, makeArena);
      const last = some.at(-1);
      const isAll = count === entries.length || last === undefined;
      return { records, malformedFrom: isAll ? undefined : lastOffsetOf(last) + 1 };
    } catch (error) {
      if (!(error instanceof MalformedRecordsError)) throw error;
      // The bytes of a batch turn out not to be records only when they are read.
      if (count <= 1) return { unreadable: describe(entries[0], fromOffset, messageOf(error)) };
      count -= 1;
    }
  }
}

function packed(
  entries: readonly ReadableEntry[],
  fromOffset: number,
  makeArena: MakeArena | undefined,
): PackedRecords {
  const batches: RecordBatch[] = [];
  const messages: KafkaJsMessage[] = [];
  for (const entry of entries) {
    if ('batch' in entry) batches.push(entry.batch);
    else messages.push(entry);
  }
  return batches.length > 0 ? packBatches(batches, fromOffset, makeArena) : packRecords(messages);
}

function describe(entry: ReadableEntry | undefined, fromOffset: number, why: string): Unreadable {
  if (entry === undefined || !('batch' in entry)) {
    return { why, firstOffset: fromOffset, lastOffset: fromOffset };
  }
  const { baseOffset, lastOffset } = entry.batch;
  return { why, firstOffset: baseOffset, lastOffset };
}
