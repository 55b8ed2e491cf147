/** From here on a double is a whole number, so there is nothing to round. */
const FIRST_WITHOUT_FRACTION = 2 ** 52;

/**
 * Python's `round(value, 2)`, to the bit: the exact binary value is rounded to hundredths, exact
 * ties go to the even hundredth, and the sign stays, on zero as well. NaN and infinities are
 * returned as they are.
 * Source: CPython, Objects/floatobject.c, double_round.
 */
export function pythonRound2(value: number): number {
  const magnitude = Math.abs(value);
  if (!(magnitude < FIRST_WITHOUT_FRACTION)) return value;
  const rounded = Number(hundredths(magnitude));
  return value < 0 || Object.is(value, -0) ? -rounded : rounded;
}

/**
 * toFixed rounds the exact binary value too, but takes ties up. A double lies half-way between two
 * hundredths only at an odd number of eighths, and of those only .125 and .625 have the even
 * hundredth below.
 */
function hundredths(magnitude: number): string {
  const whole = Math.floor(magnitude);
  const fraction = magnitude - whole;
  if (fraction === 0.125) return `${whole}.12`;
  if (fraction === 0.625) return `${whole}.62`;
  return magnitude.toFixed(2);
}
