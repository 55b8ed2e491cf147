import { afterAll, beforeAll, expect, test } from 'vitest';
import { changedSessions, loadSessions } from '../../src/ledger/statements/sessions.ts';
import { addUsage } from '../../src/ledger/statements/usage.ts';
import { inLookupTransaction } from '../../src/postgres/database.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

test.each([loadSessions, changedSessions, addUsage])(
  '$name, prepared on an empty ledger, reads no table as a whole',
  async ({ name, text }) => {
    const parameters = new Set(text.match(/\$\d+/g)).size;
    const plan = await inLookupTransaction(world.database, async (connection) => {
      await connection.query('SET LOCAL plan_cache_mode = force_generic_plan');
      await connection.query(`PREPARE plan_of_${name} AS ${text}`);
      const nulls = Array.from({ length: parameters }, () => 'NULL').join(', ');
      const { rows } = await connection.query(`EXPLAIN EXECUTE plan_of_${name} (${nulls})`);
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    });
    expect(plan).toMatch(/Index Cond: .*session_id = /);
    expect(plan).not.toMatch(/Seq Scan/);
  },
);
