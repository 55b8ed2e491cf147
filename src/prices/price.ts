import type { UsageColumn, UsageType } from '../livekit/usage-columns.ts';

/** The columns of a price file, in the order of its header and of `model_price`. */
export const PRICE_COLUMNS = [
  'usage_type',
  'provider',
  'model',
  'dimension',
  'unit_price',
  'per',
  'currency',
  'valid_from',
  'valid_to',
] as const;

export type PriceColumn = (typeof PRICE_COLUMNS)[number];

/** What usage costs from one time to another. Decimals are text without zeros at the end. */
export interface Price {
  readonly usageType: UsageType;
  readonly provider: string;
  /** Exact, or a pattern in which `*` stands for any text. */
  readonly model: string;
  readonly dimension: UsageColumn;
  /** In the currency: what `per` of the dimension costs. */
  readonly unitPrice: string;
  readonly per: string;
  readonly currency: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  /** Null: until the next price of the key, or without end. */
  readonly validTo: number | null;
}

/** A row of `model_price`. Its times may be infinite. */
export interface StoredPrice extends Price {
  readonly priceId: string;
}

/** Two prices with one key may not apply at the same time. */
export function keyOf({ usageType, provider, model, dimension, currency }: Price): string {
  return JSON.stringify([usageType, provider, model, dimension, currency]);
}

export function isSamePrice(a: Price, b: Price): boolean {
  return a.unitPrice === b.unitPrice && a.per === b.per;
}
