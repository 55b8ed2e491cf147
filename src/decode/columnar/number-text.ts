import { writeAscii } from '../../bytes/short-text.ts';

const ZERO = 0x30;
const POINT = 0x2e;
const MOST_INTEGER = 2 ** 31 - 1;

/** Seconds since 1970, of the years 2004 to 2038: doubles of this size are multiples of `1 / UNITS`. */
const FIRST_TIME = 2 ** 30;
const UNITS = 2 ** 22;
/** So many digits behind the point tell any two of them from each other. */
const MOST_DIGITS = 7;
/** The other of two decimals would be as near. */
const BETWEEN = UNITS / 2;

/**
 * Writes a number as `String` would, and returns where it ends. Whole numbers and times, which is
 * what mostly comes, without a text: to make one is several times as much work.
 */
export function writeNumber(bytes: Buffer, at: number, value: number): number {
  if (value >= 0 && value <= MOST_INTEGER) {
    const whole = Math.floor(value);
    if (whole === value) return writeInteger(bytes, at, whole);
    if (value >= FIRST_TIME) {
      const end = writeTime(bytes, at, whole, (value - whole) * UNITS);
      if (end > 0) return end;
    }
  }
  return at + writeAscii(bytes, at, String(value));
}

/**
 * The shortest decimal that is read as the double, and of those the nearest: as JavaScript defines it.
 * A decimal is read as it when it is less than half a unit away. All numbers here are exact.
 *
 * @param fraction in units
 * @returns 0: two decimals are as near
 */
function writeTime(bytes: Buffer, at: number, whole: number, fraction: number): number {
  let power = 10;
  for (let digits = 1; digits <= MOST_DIGITS; digits += 1) {
    const scaled = fraction * power;
    const decimal = Math.round(scaled / UNITS);
    const away = Math.abs(decimal * UNITS - scaled);
    if (away === BETWEEN) return 0;
    if (away < power / 2) {
      const end = writeInteger(bytes, at, whole);
      bytes[end] = POINT;
      return writeDigits(bytes, end + 1, decimal, digits);
    }
    power *= 10;
  }
  return 0;
}

function writeInteger(bytes: Buffer, at: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest > 9; rest = (rest / 10) | 0) digits += 1;
  return writeDigits(bytes, at, value, digits);
}

function writeDigits(bytes: Buffer, at: number, value: number, digits: number): number {
  let rest = value;
  for (let i = at + digits - 1; i >= at; i -= 1) {
    const next = (rest / 10) | 0;
    bytes[i] = ZERO + rest - next * 10;
    rest = next;
  }
  return at + digits;
}
