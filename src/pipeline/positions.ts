import { type Database, inTransaction } from '../ledger/database.ts';
import {
  beginPass,
  beginPosition,
  lockPosition,
  type PartitionKey,
  readPositions,
} from '../ledger/statements/positions.ts';
import type { Position } from './start-offset.ts';

/** The positions of a group in `topics`, by topic and partition. */
export async function positionsOf(
  database: Database,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, Position>> {
  const connection = await database.connect();
  try {
    const rows = await readPositions.run(connection, { groupId, topics: [...topics] });
    return new Map(
      rows.map((row) => [keyOf(row), { nextOffset: Number(row.next_offset), pass: row.pass }]),
    );
  } finally {
    connection.release();
  }
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

export function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}
