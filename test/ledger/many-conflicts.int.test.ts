import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { insertConflicts } from '../../src/ledger/statements/conflicts.ts';
import { readEntries } from '../../src/ledger/statements/pages.ts';
import { inTransaction } from '../../src/postgres/database.ts';
import type { Statement } from '../../src/postgres/statement.ts';
import { llm } from '../identify/samples.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { breaks } from '../support/world.ts';

/** Thousands of conflicts in one session: the cost of each must not grow with their number. */
const EVENTS = 3_000;

let world: LedgerWorld;
let partition: BookedPartition;
beforeAll(async () => {
  world = await newLedgerWorld();
  partition = await world.partition(0);
  await partition.book(world.ledger(), payloads({}));
});
afterAll(async () => {
  await world.close();
});

function payloads(fields: object) {
  return Array.from({ length: EVENTS }, (_, i) => {
    const metric = llm({ request_id: `request_${i}_of_many`, ...fields });
    return (offset: number) => messageAt(offset, encoded({ session_id: 'long call', metric }));
  });
}

interface Plan {
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Join Filter'?: number;
  Plans?: Plan[];
}

/** Rows that all nodes of a plan processed. */
function rowsOf(plan: Plan): number {
  const removed =
    (plan['Rows Removed by Filter'] ?? 0) + (plan['Rows Removed by Join Filter'] ?? 0);
  const inner = (plan.Plans ?? []).map(rowsOf).reduce((sum, rows) => sum + rows, 0);
  return (plan['Actual Rows'] + removed) * plan['Actual Loops'] + inner;
}

/** Applies the payloads, and counts the rows that a statement processes meanwhile. */
async function rowsLookedAt(statement: Statement<never, never>, fields: object): Promise<number> {
  const rows: number[] = [];
  const { run } = statement;
  statement.run = async (connection, parameters) => {
    const { text } = statement;
    let values: unknown[] = [];
    await run(
      {
        query: (query: { values: unknown[] }) => {
          values = query.values;
          return { rows: [] };
        },
      } as never,
      parameters,
    );
    await connection.query('SAVEPOINT explained');
    const plan = await connection.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${text}`, values);
    await connection.query('ROLLBACK TO explained');
    rows.push(rowsOf(plan.rows[0]['QUERY PLAN'][0].Plan));
    return run(connection, parameters);
  };
  try {
    const result = await partition.book(world.ledger(), payloads(fields));
    expect(result).toMatchObject({ counts: { conflict: EVENTS } });
  } finally {
    statement.run = run;
  }
  return rows.reduce((sum, count) => sum + count, 0);
}

describe('thousands of conflicts in one session', () => {
  test('each page of the session is unpacked once', async () => {
    const rows = await rowsLookedAt(readEntries as never, { ttft: 1 });
    expect(rows).toBeLessThan(20 * EVENTS);
  });

  test('a decision is found by its payload, however many there are', async () => {
    await partition.book(world.ledger(), payloads({ ttft: 2 }));
    await inTransaction(world.database, (connection) =>
      connection.query(`UPDATE event_conflict SET resolution = 'dismissed', resolved_at = now()`),
    );
    const rows = await rowsLookedAt(insertConflicts as never, { ttft: 2 });
    expect(rows).toBeLessThan(20 * EVENTS);
    const { rows: open } = await world.database.query(
      'SELECT count(*)::int AS n FROM event_conflict WHERE resolution IS NULL',
    );
    expect(open).toEqual([{ n: 0 }]);
    expect(await breaks(world.database)).toEqual([]);
  });
});
