import type { TopicPartition } from '../../records/topic-partition.ts';

/** What cannot be read of a partition. */
export interface Unreadable {
  readonly why: string;
  /** The offsets of the record batch, by its header. */
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** For a person: what cannot be read, why, and how to resume the partition. */
export function whyUnreadable(
  { topic, partition }: TopicPartition,
  fromOffset: number,
  { why, firstOffset, lastOffset }: Unreadable,
): string {
  const isKnown = lastOffset >= fromOffset;
  const range = isKnown ? `offsets ${firstOffset} to ${lastOffset}` : `offset ${fromOffset}`;
  const next = isKnown ? lastOffset + 1 : '<the next one that can be read>';
  return (
    `the record batch at ${range} cannot be read: ${why}; restore the bytes and restart, or ` +
    `resume after it: usage-ledger position set --topic ${topic} --partition ${partition} ` +
    `--offset ${next} --skip-unread`
  );
}
