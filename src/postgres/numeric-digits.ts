import { LIMBS } from './limbs.ts';

/** Decimal digits in one digit of a numeric. */
const GROUP_DIGITS = 4;
const GROUP = 10 ** GROUP_DIGITS;
/** What is in front of the point of limbs has so many groups at most. */
const WHOLE_GROUPS = 4;
const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * A numeric as Postgres has it. One for all, which is written before the next one is read.
 *
 * Source: PostgreSQL, numeric.c, `numeric_recv`.
 */
export const numericDigits = {
  /** Groups of four decimal digits, counted from the point to both sides. */
  groups: new Int16Array(512),
  /** Where they begin and end, without zeros at either side. */
  first: 0,
  end: 0,
  /** What the first group is multiplied with, as a power of ten thousand. */
  weight: 0,
  isNegative: false,
  /** Decimal digits behind the point. */
  scale: 0,
};

/** Reads a number in plain notation: `12.5`, `-3`. */
export function readDigitsOfText(text: string): void {
  const { groups } = numericDigits;
  const isNegative = text.charCodeAt(0) === MINUS;
  const point = text.indexOf('.');
  const wholeEnd = point === -1 ? text.length : point;
  const scale = point === -1 ? 0 : text.length - point - 1;
  let count = 0;
  let group = 0;
  for (let i = isNegative ? 1 : 0; i < wholeEnd; i += 1) {
    group = group * 10 + text.charCodeAt(i) - ZERO;
    if ((wholeEnd - i) % GROUP_DIGITS !== 1) continue;
    groups[count++] = group;
    group = 0;
  }
  const wholeGroups = count;
  const padded = Math.ceil(scale / GROUP_DIGITS) * GROUP_DIGITS;
  for (let i = 0; i < padded; i += 1) {
    group = group * 10 + (i < scale ? text.charCodeAt(point + 1 + i) - ZERO : 0);
    if (i % GROUP_DIGITS !== GROUP_DIGITS - 1) continue;
    groups[count++] = group;
    group = 0;
  }
  trim(0, count, wholeGroups, isNegative, scale);
}

/** Reads the decimal in the limbs from `at` on: each is two groups, the whole is up to four. */
export function readDigitsOfLimbs(limbs: Float64Array, at: number): void {
  const { groups } = numericDigits;
  let first = WHOLE_GROUPS;
  for (let whole = limbs[at] as number; whole > 0; whole = Math.floor(whole / GROUP)) {
    first -= 1;
    groups[first] = whole % GROUP;
  }
  let end = WHOLE_GROUPS;
  let scale = 0;
  for (let limb = at + 1; limb < at + LIMBS; limb += 1) {
    const digits = limbs[limb] as number;
    const high = Math.floor(digits / GROUP);
    groups[end] = high;
    groups[end + 1] = digits - high * GROUP;
    end += 2;
    if (digits !== 0) scale = (end - WHOLE_GROUPS) * GROUP_DIGITS - zerosBehind(digits);
  }
  trim(first, end, WHOLE_GROUPS - first, false, scale);
}

/** @param wholeGroups how many groups from `from` on are in front of the point */
function trim(
  from: number,
  to: number,
  wholeGroups: number,
  isNegative: boolean,
  scale: number,
): void {
  const { groups } = numericDigits;
  let first = from;
  let end = to;
  while (first < end && groups[first] === 0) first += 1;
  while (end > first && groups[end - 1] === 0) end -= 1;
  const isZero = first === end;
  numericDigits.first = first;
  numericDigits.end = end;
  numericDigits.weight = isZero ? 0 : wholeGroups - (first - from) - 1;
  numericDigits.isNegative = isNegative && !isZero;
  numericDigits.scale = scale;
}

/** How many zeros are at the end of a whole number, which is not 0. */
function zerosBehind(value: number): number {
  let zeros = 0;
  for (let rest = value; rest % 10 === 0; rest /= 10) zeros += 1;
  return zeros;
}
