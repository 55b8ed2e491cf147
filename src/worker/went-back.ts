import type { Position } from '../ledger/position.ts';
import type { TopicPartition } from '../records/topic-partition.ts';

/**
 * Whether a group's position is before one that it had committed. This program moves neither a
 * position back within a pass, nor a pass: the database was restored to an earlier moment.
 *
 * @param now the position in the database; `undefined`: there is none
 * @returns what happened, for a person; `undefined`: the position did not go back
 */
export function wentBack(
  { topic, partition }: TopicPartition,
  committed: Position,
  now: Position | undefined,
): string | undefined {
  const where = `${topic}/${partition}`;
  if (now === undefined) {
    return (
      `${where}: the position ${committed.nextOffset} is no longer in Postgres: the database ` +
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
