import type { Position } from '../ledger/position.ts';
import type { TopicPartition } from '../records/topic-partition.ts';

/**
 * Whether a group stands before a position that it had committed. Nothing of ours moves a position
 * back within a pass, nor a pass: the database was restored to an earlier moment.
 *
 * @param now what the database says; `undefined`: it has no position
 * @returns what happened, in words; `undefined`: the position did not go back
 */
export function wentBack(
  { topic, partition }: TopicPartition,
  committed: Position,
  now: Position | undefined,
): string | undefined {
  const where = `${topic}/${partition}`;
  if (now === undefined) {
    return (
      `${where}: the position ${committed.nextOffset} is not in Postgres any more: the database ` +
      'was restored to an earlier moment; reading again from the beginning'
    );
  }
  const isSamePass = now.pass === committed.pass;
  if (now.pass > committed.pass) return undefined;
  if (isSamePass && now.nextOffset >= committed.nextOffset) return undefined;
  const pass = isSamePass ? '' : ` (pass ${committed.pass} to ${now.pass})`;
  return (
    `${where}: the position in Postgres went back from ${committed.nextOffset} to ` +
    `${now.nextOffset}${pass}: the database was restored to an earlier moment; reading again ` +
    `from ${now.nextOffset}`
  );
}
