import { USAGE_COLUMNS, USAGE_TYPES } from '../livekit/usage-columns.ts';
import type { Price, PriceColumn } from './price.ts';
import { readDecimal } from './read-decimal.ts';
import { readTime } from './read-time.ts';

/** What a file says in one line; a column that it leaves out is missing. */
export type PriceText = Partial<Record<PriceColumn, string>>;

/** A line of a file, with what is wrong with it. */
export interface ReadLine {
  readonly price?: Price;
  readonly problems: readonly string[];
}

/** Checks every column of a line. */
export function readLine(text: PriceText): ReadLine {
  const problems: string[] = [];
  const problem = (column: PriceColumn, expected: string) => {
    const given = text[column] ?? '';
    problems.push(`${column} ${given === '' ? 'is empty' : JSON.stringify(given)}: ${expected}`);
  };
  const usageType = USAGE_TYPES.find((name) => name === text.usage_type);
  if (usageType === undefined) problem('usage_type', `expected one of ${USAGE_TYPES.join(', ')}`);
  const dimension = USAGE_COLUMNS.find((name) => name === text.dimension);
  if (dimension === undefined) {
    problem('dimension', `expected the name of a usage column: ${USAGE_COLUMNS.join(', ')}`);
  }
  const unitPrice = readDecimal(text.unit_price ?? '');
  if (unitPrice === undefined || unitPrice.startsWith('-')) {
    problem('unit_price', 'expected a decimal number, 0 or more, such as 2.50');
  }
  const per = readDecimal(text.per ?? '');
  if (per === undefined || per === '0' || per.startsWith('-')) {
    problem('per', 'expected the quantity that the price buys, such as 1000000');
  }
  const currency = text.currency ?? '';
  if (!/^[A-Z]{3}$/.test(currency))
    problem('currency', 'expected the three capitals of ISO 4217, such as USD');
  const validFrom = readTime(text.valid_from ?? '');
  if (validFrom === undefined) problem('valid_from', TIME_EXPECTED);
  const validTo = (text.valid_to ?? '') === '' ? null : readTime(text.valid_to ?? '');
  if (validTo === undefined) problem('valid_to', `${TIME_EXPECTED}, or nothing`);
  if (validFrom !== undefined && validTo != null && validTo <= validFrom) {
    problem('valid_to', 'expected a time after valid_from');
  }
  for (const column of ['provider', 'model'] as const) {
    if (text[column]?.includes('\0')) problem(column, 'expected no NUL character');
  }
  if (
    problems.length > 0 ||
    usageType === undefined ||
    dimension === undefined ||
    unitPrice === undefined ||
    per === undefined ||
    validFrom === undefined ||
    validTo === undefined
  ) {
    return { problems };
  }
  const names = { provider: text.provider ?? '', model: text.model ?? '' };
  const price = { usageType, ...names, dimension, unitPrice, per, currency, validFrom, validTo };
  return { price, problems };
}

const TIME_EXPECTED =
  'expected a time with its zone, to the millisecond, such as 2026-01-01T00:00:00Z, or a UTC day';
