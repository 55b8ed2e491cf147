import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { readPositions } from '../../src/ledger/statements/positions.ts';
import { type Database, inTransaction, openDatabase } from '../../src/postgres/database.ts';
import { isTransient } from '../../src/postgres/errors.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
let database: Database;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(() => {
  database = openDatabase(world.settings, 1);
});
afterEach(async () => {
  await database.end();
});
afterAll(async () => {
  await world.close();
});

const pidOf = async () =>
  (await database.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;
const errorOf = (work: Promise<unknown>) => work.then(() => undefined).catch((thrown) => thrown);

test('when ROLLBACK fails, the first error is thrown, and the connection is not used again', async () => {
  const before = await pidOf();

  const error = await errorOf(
    inTransaction(database, async (connection) => {
      // Follows an error that looks like one of a value, while the connection was lost.
      await connection.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => {});
      throw Object.assign(new Error('bigint out of range'), { code: '22003' });
    }),
  );

  expect(error).toMatchObject({ code: '22003', message: 'bigint out of range' });
  expect(await pidOf()).not.toBe(before);
});

test('a COMMIT that rolls back is an error', async () => {
  const error = await errorOf(
    inTransaction(database, async (connection) => {
      await connection.query('SELECT 1 / 0').catch(() => {});
    }),
  );
  expect(String(error)).toMatch(/COMMIT rolled the transaction back/);
});

test('statements that another backend prepared are tried again without preparing them', async () => {
  const read = () =>
    inTransaction(database, (connection) =>
      readPositions.run(connection, { groupId: 'group', topics: ['topic'] }),
    );
  await read();
  // As when a pooler gives the connection another backend.
  await database.query('DEALLOCATE ALL');

  const error = await errorOf(read());
  expect(error).toMatchObject({ code: '26000' });
  expect(isTransient(error)).toBe(true);

  expect(await read()).toEqual([]);
  await database.query('DEALLOCATE ALL');
  expect(await read()).toEqual([]);
});
