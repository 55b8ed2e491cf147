import type { InvoiceLine } from './invoice-line.ts';
import { decimalOf, minorDigits, roundHalfEven } from './minor-units.ts';

/** The sum of the amounts, by currency: the invoice. */
export function totalsOf(lines: readonly InvoiceLine[]): Map<string, string> {
  const totals = new Map<string, bigint>();
  for (const { currency, amount } of lines) {
    const units = roundHalfEven(amount, minorDigits(currency));
    totals.set(currency, (totals.get(currency) ?? 0n) + units);
  }
  const texts = [...totals].map(([currency, units]): [string, string] => [
    currency,
    decimalOf(units, minorDigits(currency)),
  ]);
  return new Map(texts);
}
