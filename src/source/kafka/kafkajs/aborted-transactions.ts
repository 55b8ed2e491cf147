import { lastOffsetOf, type Producer, type ReadableEntry } from './fetched-entry.ts';

/** As the brokers name them: in the order in which they ended. */
export interface AbortedTransaction {
  readonly producerId: string;
  readonly firstOffset: string;
}

/** Key of a control record: version 0, type 0. Source: Kafka protocol, "Control Batches". */
const ABORT_MARKER = Buffer.from([0, 0, 0, 0]);

/**
 * Leaves out control records and what belongs to aborted transactions. kafkajs looks at one aborted
 * transaction for each message, so that of several at once some would come through.
 */
export function withoutAborted(
  entries: readonly ReadableEntry[],
  abortedTransactions: readonly AbortedTransaction[],
): ReadableEntry[] {
  const waiting = abortedTransactions.toSorted(
    (a, b) => Number(a.firstOffset) - Number(b.firstOffset),
  );
  const aborted = new Set<string>();
  return entries.filter((entry) => {
    const lastOffset = lastOffsetOf(entry);
    while (waiting[0] !== undefined && Number(waiting[0].firstOffset) <= lastOffset) {
      aborted.add(waiting[0].producerId);
      waiting.shift();
    }
    const producer = producerOf(entry);
    if (!('batch' in entry) && entry.isControlRecord === true) {
      if (entry.key?.equals(ABORT_MARKER) === true) aborted.delete(producer?.producerId ?? '');
      return false;
    }
    return !(producer?.inTransaction === true && aborted.has(producer.producerId));
  });
}

function producerOf(entry: ReadableEntry): Producer | undefined {
  if (!('batch' in entry)) return entry.batchContext;
  const { producerId, isTransactional } = entry.batch;
  return { producerId, inTransaction: isTransactional };
}
