import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

const RELATIONS = [
  'model_price',
  'session_day',
  'session_daily_usage',
  'account_daily_usage',
  'usage_part',
  'materialized_price_period',
  'price_period',
  'divided_session',
  'priced_usage',
  'session_cost',
  'session_daily_cost',
  'account_daily_cost',
  'unpriced_usage',
];

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

test('every relation of prices and costs, and each of its columns, has a comment', async () => {
  const { rows } = await world.database.query(
    `SELECT relation.name, attname FROM unnest($1::text[]) AS relation (name)
      CROSS JOIN LATERAL (
        SELECT attname, col_description(attrelid, attnum) AS comment FROM pg_attribute
        WHERE attrelid = relation.name::regclass AND attnum > 0
        UNION ALL SELECT NULL, obj_description(relation.name::regclass, 'pg_class')
      ) AS item WHERE comment IS NULL`,
    [RELATIONS],
  );
  expect(rows).toEqual([]);
});
