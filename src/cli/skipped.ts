import type { SkippedRow } from '../ledger/statements/unread.ts';

/** A range skipped by a person and not read since, with the command that reads it. */
export function skippedText(row: SkippedRow): string {
  const { topic, partition, first_offset: from, next_offset: to } = row;
  const count = BigInt(to) - BigInt(from);
  const last = BigInt(to) - 1n;
  const range = count === 1n ? `offset ${from} was` : `offsets ${from}-${last} (${count}) were`;
  return (
    `${topic}/${partition}: ${range} skipped unread by group ${row.group_id} at ` +
    `${row.recorded_at.toISOString()}; to read them, run: usage-ledger replay --topic ${topic} ` +
    `--partition ${partition} --from-offset ${from} --to-offset ${to}`
  );
}
