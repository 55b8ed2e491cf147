import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { readingSnapshot } from '../../src/postgres/database.ts';
import { verify } from '../../src/verify/verify.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

/** The kept price periods are what they would be if they were computed now, whatever came in which order. */
let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

const NAME = `INSERT INTO usage_source (metric_type, provider, model)
  VALUES ('llm_metrics', 'provider', $1)`;
const PRICE = `INSERT INTO model_price
  (usage_type, provider, model, dimension, unit_price, per, currency, valid_from)
  VALUES ('llm_usage', 'provider', $1, 'input_tokens', $2, 1, 'USD', '2025-01-01')`;

/** The price of input tokens of each model, as queries of costs see it; `null`: none. */
async function prices(): Promise<Record<string, string | null>> {
  const { rows } = await world.database.query<{ model: string; unit_price: string | null }>(
    `SELECT model, max(unit_prices[array_position(dimensions, 'input_tokens')]) AS unit_price
     FROM price_period WHERE valid_to = 'infinity' GROUP BY model ORDER BY model`,
  );
  return Object.fromEntries(rows.map(({ model, unit_price }) => [model, unit_price]));
}

async function differences(): Promise<unknown[]> {
  const { rows } = await world.database.query(
    `(SELECT * FROM compute_price_periods(false) EXCEPT ALL SELECT * FROM materialized_price_period)
     UNION ALL
     (SELECT * FROM materialized_price_period EXCEPT ALL SELECT * FROM compute_price_periods(false))`,
  );
  return rows;
}

test('follow names and prices, in any order', async () => {
  const { database } = world;
  await database.query(NAME, ['first']);
  expect(await prices()).toEqual({ first: null });
  await database.query(PRICE, ['*', 1]);
  expect(await prices()).toEqual({ first: '1' });
  await database.query(NAME, ['second']);
  expect(await prices()).toEqual({ first: '1', second: '1' });
  await database.query(PRICE, ['second', 2]);
  expect(await prices()).toEqual({ first: '1', second: '2' });
  await database.query("UPDATE model_price SET unit_price = 3 WHERE model = '*'");
  expect(await prices()).toEqual({ first: '3', second: '2' });
  await database.query("DELETE FROM model_price WHERE model = 'second'");
  expect(await prices()).toEqual({ first: '3', second: '3' });
  expect(await differences()).toEqual([]);
});

test('a name that comes in while prices change does not wait, and has the new price', async () => {
  const { database } = world;
  await database.query(PRICE, ['*', 1]);
  const changing = await database.connect();
  try {
    await database.begin(changing);
    await changing.query("UPDATE model_price SET unit_price = 2 WHERE model = '*'");

    await database.query(NAME, ['new']);

    expect(await prices()).toEqual({ new: '1' });
    await changing.query('COMMIT');
    expect(await prices()).toEqual({ new: '2' });
  } finally {
    changing.release(true);
  }
  await database.query(NAME, ['newer']);
  expect(await prices()).toEqual({ new: '2', newer: '2' });
  expect(await differences()).toEqual([]);
});

test('a price that changes while a name comes in waits for it', async () => {
  const { database } = world;
  await database.query(PRICE, ['*', 1]);
  const naming = await database.connect();
  try {
    await database.begin(naming);
    await naming.query(NAME, ['new']);
    const changed = database.query("UPDATE model_price SET unit_price = 2 WHERE model = '*'");
    await naming.query('COMMIT');
    await changed;
  } finally {
    naming.release(true);
  }
  expect(await prices()).toEqual({ new: '2' });
  expect(await differences()).toEqual([]);
});

test('verify finds one that is not what the prices give', async () => {
  const { database } = world;
  await database.query(NAME, ['model']);
  await database.query(PRICE, ['*', 2]);
  expect((await verify(database)).breaks).toEqual([]);
  await database.query(
    "UPDATE materialized_price_period SET pers = unit_prices WHERE currency = 'USD'",
  );
  expect((await verify(database)).breaks).toMatchObject([
    { check: 'prices_are_current', found: { model: 'model', kept: { currency: 'USD' } } },
  ]);
});

test('prices are not changed from an older snapshot', async () => {
  const connection = await readingSnapshot(world.database);
  try {
    await connection.query('ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ');
    await connection.query(`SET LOCAL search_path = ${world.settings.DATABASE_SCHEMA}`);
    await expect(connection.query(PRICE, ['*', 1])).rejects.toThrow(
      'prices are changed in transactions that are READ COMMITTED, and this one is REPEATABLE READ',
    );
  } finally {
    connection.release(true);
  }
});
