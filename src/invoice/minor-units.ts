const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * Digits after the point of a currency's minor unit, such as 2 for USD and 0 for JPY.
 *
 * Source: ISO 4217, as Intl knows it; 2 for a code that it does not know.
 */
export function minorDigits(currency: string): number {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}

/**
 * Rounds an exact decimal to so many digits after the point, half to even.
 *
 * @param text as Postgres prints a numeric, such as `-12.5000`
 * @returns the number of units of the last digit
 * @throws {RangeError} when it is no decimal
 */
export function roundHalfEven(text: string, digits: number): bigint {
  const [, sign, whole = '0', decimals = ''] = DECIMAL.exec(text) ?? [];
  if (sign === undefined) throw new RangeError(`no decimal number: ${text}`);
  const kept = BigInt(whole + decimals.slice(0, digits).padEnd(digits, '0'));
  const rest = decimals.slice(digits);
  const isHalf = /^50*$/.test(rest);
  const isAbove = rest >= '5' && !isHalf;
  const rounded = isAbove || (isHalf && kept % 2n === 1n) ? kept + 1n : kept;
  return sign === '-' ? -rounded : rounded;
}

/** The decimal of so many units of its last digit: `decimalOf(-5n, 2)` is `-0.05`. */
export function decimalOf(units: bigint, digits: number): string {
  const sign = units < 0n ? '-' : '';
  const text = String(units < 0n ? -units : units).padStart(digits + 1, '0');
  const point = text.length - digits;
  return digits === 0 ? sign + text : `${sign}${text.slice(0, point)}.${text.slice(point)}`;
}

/** An exact decimal rounded to so many digits after the point, half to even. */
export function roundedText(text: string, digits: number): string {
  return decimalOf(roundHalfEven(text, digits), digits);
}
