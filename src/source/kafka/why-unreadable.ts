import type { TopicPartition } from '../../records/topic-partition.ts';
import type { Unreadable } from './kafkajs-record-batches.ts';

/** What the log says of bytes that cannot be read, and how the partition goes on. */
export function whyUnreadable(
  { topic, partition }: TopicPartition,
  fromOffset: number,
  { why, firstOffset, lastOffset }: Unreadable,
): string {
  const isKnown = lastOffset >= fromOffset;
  const range = isKnown ? `offsets ${firstOffset} to ${lastOffset}` : `offset ${fromOffset}`;
  const next = isKnown ? lastOffset + 1 : '<the next one that can be read>';
  return (
    `the record batch at ${range} cannot be read: ${why}; restore the bytes and restart, or go on ` +
    `after it: usage-ledger position set --topic ${topic} --partition ${partition} ` +
    `--offset ${next} --skip-unread`
  );
}
