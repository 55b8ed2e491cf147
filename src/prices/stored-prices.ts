import type { Queryable } from '../postgres/statement.ts';
import { PRICE_COLUMNS, type Price, type PriceColumn, type StoredPrice } from './price.ts';

const MS = (name: string) => `(extract(epoch FROM ${name}) * 1000)::text`;

/** All prices of the ledger. */
export async function readStoredPrices(connection: Queryable): Promise<StoredPrice[]> {
  const { rows } = await connection.query<{ [name: string]: string }>(
    `SELECT price_id::text, usage_type, provider, model, dimension,
        trim_scale(unit_price)::text AS unit_price, trim_scale(per)::text AS per, currency,
        ${MS('valid_from')} AS from_ms, ${MS('valid_to')} AS to_ms
      FROM model_price`,
  );
  return rows.map((row) => ({
    priceId: row['price_id'] ?? '',
    usageType: row['usage_type'] as Price['usageType'],
    provider: row['provider'] ?? '',
    model: row['model'] ?? '',
    dimension: row['dimension'] as Price['dimension'],
    unitPrice: row['unit_price'] ?? '',
    per: row['per'] ?? '',
    currency: row['currency'] ?? '',
    validFrom: Number(row['from_ms']),
    validTo: row['to_ms'] === null ? null : Number(row['to_ms']),
  }));
}

const TIME = (parameter: string) =>
  `'epoch'::timestamptz + ${parameter} * interval '1 millisecond'`;

export async function insertPrices(connection: Queryable, prices: readonly Price[]): Promise<void> {
  await connection.query(
    `INSERT INTO model_price (${PRICE_COLUMNS.join(', ')})
      SELECT usage_type, provider, model, dimension, unit_price, per, currency,
        ${TIME('from_ms')}, ${TIME('to_ms')}
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::numeric[], $6::numeric[],
        $7::text[], $8::bigint[], $9::bigint[])
        AS price (usage_type, provider, model, dimension, unit_price, per, currency, from_ms, to_ms)`,
    [
      prices.map(({ usageType }) => usageType),
      prices.map(({ provider }) => provider),
      prices.map(({ model }) => model),
      prices.map(({ dimension }) => dimension),
      prices.map(({ unitPrice }) => unitPrice),
      prices.map(({ per }) => per),
      prices.map(({ currency }) => currency),
      prices.map(({ validFrom }) => validFrom),
      prices.map(({ validTo }) => validTo),
    ],
  );
}

export async function endPrices(
  connection: Queryable,
  ended: readonly { readonly priceId: string; readonly validTo: number }[],
): Promise<void> {
  await connection.query(
    `UPDATE model_price SET valid_to = ${TIME('ended.to_ms')}
      FROM unnest($1::bigint[], $2::bigint[]) AS ended (price_id, to_ms)
      WHERE model_price.price_id = ended.price_id`,
    [ended.map(({ priceId }) => priceId), ended.map(({ validTo }) => validTo)],
  );
}

/** A row of `model_price`, as Postgres prints it; no `valid_to`: null. */
export type PriceRow = Record<Exclude<PriceColumn, 'valid_to'>, string> & {
  readonly valid_to: string | null;
};

/** The prices in the order of their keys, then of time. */
export async function listPrices(connection: Queryable): Promise<PriceRow[]> {
  const { rows } = await connection.query<PriceRow>(
    `SELECT usage_type, provider, model, dimension, unit_price::text, per::text, currency,
        to_char(valid_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MSZ') AS valid_from,
        to_char(valid_to AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MSZ') AS valid_to
      FROM model_price AS price
      ORDER BY price.usage_type, provider, model, dimension, currency, price.valid_from`,
  );
  return rows;
}
