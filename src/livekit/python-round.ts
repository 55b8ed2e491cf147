/** From here on a double is a whole number, so there is nothing to round. */
const FIRST_WITHOUT_FRACTION = 2 ** 52;

/**
 * Python's `round(value, digits)`, to the bit: the exact binary value is rounded, exact ties go to the
 * even digit, and the sign stays, on zero as well. NaN and infinities are returned as they are.
 * Source: CPython, Objects/floatobject.c, double_round.
 */
export function pythonRound(value: number, digits: 2 | 3): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < FIRST_WITHOUT_FRACTION)) return value;
  const rounded = Number(decimal(magnitude, digits));
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

/**
 * toFixed rounds the exact binary value too, but takes ties up. A double lies half-way between two
 * hundredths only at an odd number of eighths, between two thousandths at an odd number of
 * sixteenths; the even digit is the lower one where that number is 1 more than a multiple of 4.
 */
function decimal(magnitude: number, digits: 2 | 3): string {
  const whole = Math.floor(magnitude);
  const parts = (magnitude - whole) * 2 ** (digits + 1);
  if (parts % 4 !== 1) return magnitude.toFixed(digits);
  const fraction = Math.floor((magnitude - whole) * 10 ** digits);
  return `${whole}.${String(fraction).padStart(digits, '0')}`;
}
