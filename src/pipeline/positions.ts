import { keyOf } from '../consume/partition-source.ts';
import { CheckFailedError } from '../errors.ts';
import type { PartitionBounds } from '../kafka/admin.ts';
import { type Connection, type Database, inTransaction } from '../ledger/database.ts';
import {
  beginPass,
  beginPosition,
  lockPosition,
  noteDecision,
  type PartitionKey,
  readPositions,
  skipTo,
} from '../ledger/statements/positions.ts';
import type { Position } from './start-offset.ts';

/** The positions of a group in `topics`, by topic and partition. */
export async function positionsOf(
  database: Database,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, Position>> {
  const rows = await inTransaction(database, (connection) =>
    readPositions.run(connection, { groupId, topics: [...topics] }),
  );
  return new Map(
    rows.map((row) => [keyOf(row), { nextOffset: Number(row.next_offset), pass: row.pass }]),
  );
}

/** Gives the group its first position in a partition, or returns the one that another just gave. */
export async function begin(
  database: Database,
  where: PartitionKey,
  offset: number,
): Promise<Position> {
  return inTransaction(database, async (connection) => {
    await beginPosition.run(connection, { ...where, offset });
    const [row] = await lockPosition.run(connection, where);
    if (row === undefined) throw new Error('a position vanished while it was being made');
    return { nextOffset: Number(row.next_offset), pass: row.pass };
  });
}

/**
 * Begins another pass at `offset`. When another worker began one meanwhile, that one stands, and
 * `undefined` is returned.
 */
export async function rewind(
  database: Database,
  where: PartitionKey,
  offset: number,
  fromPass: number,
): Promise<Position | undefined> {
  return inTransaction(database, async (connection) => {
    const [row] = await beginPass.run(connection, { ...where, offset, fromPass });
    return row && { nextOffset: Number(row.next_offset), pass: row.pass };
  });
}

/**
 * Goes on behind offsets that the broker does not have any more: a decision that only a person may
 * take, kept in the books with its note.
 *
 * @returns what was decided, in words
 * @throws {CheckFailedError} when nothing is lost
 */
export async function acceptLoss(
  database: Database,
  where: PartitionKey,
  bounds: PartitionBounds,
): Promise<string> {
  return inTransaction(database, async (connection) => {
    const position = await locked(connection, where);
    const { nextOffset, pass } = position;
    const { earliest, latest } = bounds;
    if (nextOffset < earliest) {
      const note = `loss of offsets ${nextOffset} to ${earliest - 1} accepted`;
      const range = { firstOffset: nextOffset, nextOffset: earliest };
      await noteDecision.run(connection, { ...where, pass, ...range, note });
      await skipTo.run(connection, { ...where, offset: earliest });
      return note;
    }
    if (nextOffset > latest) {
      const note = `loss accepted: the partition ends at ${latest}, before the position ${nextOffset}`;
      await passAt(connection, where, position, earliest, note);
      return `${note}; reading it from ${earliest}`;
    }
    throw new CheckFailedError(
      `nothing is lost: the position ${nextOffset} is within the partition, ${earliest} to ${latest}`,
    );
  });
}

/** Sets a position to any offset the broker has, as another pass, with a note in the books. */
export async function setPosition(
  database: Database,
  where: PartitionKey,
  offset: number,
): Promise<void> {
  await inTransaction(database, async (connection) => {
    const [row] = await lockPosition.run(connection, where);
    if (row === undefined) {
      await beginPosition.run(connection, { ...where, offset });
      const range = { pass: 0, firstOffset: offset, nextOffset: offset };
      await noteDecision.run(connection, { ...where, ...range, note: `position set to ${offset}` });
      return;
    }
    const position = { nextOffset: Number(row.next_offset), pass: row.pass };
    const note = `position set from ${position.nextOffset} to ${offset}`;
    await passAt(connection, where, position, offset, note);
  });
}

async function passAt(
  connection: Connection,
  where: PartitionKey,
  { pass }: Position,
  offset: number,
  note: string,
): Promise<void> {
  await beginPass.run(connection, { ...where, offset, fromPass: pass });
  const range = { pass: pass + 1, firstOffset: offset, nextOffset: offset };
  await noteDecision.run(connection, { ...where, ...range, note });
}

async function locked(connection: Connection, where: PartitionKey): Promise<Position> {
  const [row] = await lockPosition.run(connection, where);
  if (row === undefined) {
    throw new CheckFailedError(`group ${where.groupId} has no position in ${keyOf(where)}`);
  }
  return { nextOffset: Number(row.next_offset), pass: row.pass };
}
