import type { RecordBatch } from '../record-batch.ts';
import type { Unreadable } from '../unreadable.ts';

/**
 * One entry of what a fetch brought of a partition, in the order of offsets. kafkajs passes them from
 * `decode-messages.ts` to `fetched-partition.ts` without a look at them.
 */
export type FetchedEntry = ReadableEntry | UnreadableEntry;
export type ReadableEntry = BatchEntry | KafkaJsMessage;

/** A record batch whose records are not taken apart yet. */
export interface BatchEntry {
  readonly batch: RecordBatch;
}

/** The first entry that cannot be read, if nothing came before it. */
export interface UnreadableEntry {
  readonly unreadable: Unreadable;
}

/** A message of an old format or a control record, as kafkajs decodes it. */
export interface KafkaJsMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly isControlRecord?: boolean;
  /** Messages of old formats have none. */
  readonly batchContext?: Producer;
}

/** Who wrote a batch. */
export interface Producer {
  readonly producerId: string;
  readonly inTransaction: boolean;
}

export function lastOffsetOf(entry: ReadableEntry): number {
  return 'batch' in entry ? entry.batch.lastOffset : Number(entry.offset);
}
