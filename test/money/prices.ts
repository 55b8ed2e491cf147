import type { Database } from '../../src/postgres/database.ts';
import type { PriceRow } from './random-calls.ts';

/** Inserts prices by SQL, as somebody would who has no price file. */
export async function insertPrices(database: Database, rows: readonly PriceRow[]): Promise<void> {
  await database.query(
    `INSERT INTO model_price (usage_type, provider, model, dimension, unit_price, per, currency,
        valid_from, valid_to)
      SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[],
        $6::numeric[], $7::char(3)[], $8::timestamptz[], $9::timestamptz[])`,
    Array.from({ length: 9 }, (_, i) => rows.map((row) => row[i])),
  );
}
