/** Of one digit of a numeric; source: PostgreSQL, numeric.c, `NBASE`. */
export const BASE = 10_000;
export const DECIMALS = 4;
const POWERS = [1, 10, 100, 1_000] as const;
/** Most durations fit: 16 decimals, and less than 10,000 before the point. */
const INITIAL_DIGITS = [0, 0, 0, 0, 0];
const INITIAL_LOWEST = -4;

/** Up to here a number with eight decimals has fifteen digits. */
const MOST_SHORT = 10 ** 7;
const SHORT_UNIT = 10 ** 8;
/** Of the lowest digit of such a number, as a power of 10,000. */
export const SHORT_PLACE = -2;

const ZERO = 0x30;

/** A number as Postgres has it in binary form. */
export interface NumericParts {
  readonly isNegative: boolean;
  /** The most significant first, without zeros at either end. */
  readonly digits: readonly number[];
  /** Of the first digit, as a power of 10,000. */
  readonly weight: number;
  /** How many decimals are displayed: as many as are needed. */
  readonly scale: number;
}

/**
 * An exact decimal in the digits of Postgres, to which others are added. A double stands for its
 * shortest decimal form, the one that every language prints; the sum of those forms is the same in
 * every order, which a sum of doubles is not.
 *
 * Source of the shortest form: ECMAScript, Number::toString.
 */
export class Decimal {
  /**
   * From the least significant one on. Nothing is carried while adding: a digit is any whole number,
   * and 10^11 additions stay exact.
   */
  readonly #digits = [...INITIAL_DIGITS];
  /** The first digit counts 10,000 to the power of this. */
  #lowest = INITIAL_LOWEST;

  /** @throws {RangeError} when the value is not finite */
  add(value: number): this {
    const units = shortUnits(value);
    if (units === undefined) return this.addText(String(value));
    let place = SHORT_PLACE;
    for (let rest = units; rest !== 0; rest = Math.trunc(rest / BASE)) {
      this.#addAt(place, rest % BASE);
      place += 1;
    }
    return this;
  }

  /**
   * @param text a decimal number, such as `-12.50`, `5e-324` or `1.2e+21`
   * @throws {RangeError} when it is none
   */
  addText(text: string): this {
    const sign = text.startsWith('-') ? -1 : 1;
    const e = text.indexOf('e');
    const end = e === -1 ? text.length : e;
    const point = text.indexOf('.');
    const decimals = point === -1 ? 0 : end - point - 1;
    const exponent = (e === -1 ? 0 : Number(text.slice(e + 1))) - decimals;
    let place = Math.floor(exponent / DECIMALS);
    let power = exponent - place * DECIMALS;
    let digit = 0;
    for (let i = end - 1; i >= (sign < 0 ? 1 : 0); i -= 1) {
      if (i === point) continue;
      const decimal = text.charCodeAt(i) - ZERO;
      if (!(decimal >= 0 && decimal <= 9)) throw new RangeError(`${text} is no decimal number`);
      digit += decimal * (POWERS[power] as number);
      power += 1;
      if (power < DECIMALS) continue;
      this.#addAt(place, sign * digit);
      place += 1;
      power = 0;
      digit = 0;
    }
    if (digit !== 0) this.#addAt(place, sign * digit);
    return this;
  }

  parts(): NumericParts {
    let places = this.#digits;
    let isNegative = false;
    // Of what is never negative, which is nearly all, the digits are carried where they are.
    if (places.some((digit) => digit < 0)) {
      places = [...this.#digits];
      isNegative = carry(places) < 0;
      if (isNegative) places = this.#digits.map((digit) => -digit);
    }
    carry(places);
    let end = places.length;
    while (end > 0 && places[end - 1] === 0) end -= 1;
    let start = 0;
    while (start < end && places[start] === 0) start += 1;
    const digits = places.slice(start, end).reverse();
    const last = digits.at(-1);
    if (last === undefined) return { isNegative, digits, weight: 0, scale: 0 };
    const lowest = this.#lowest + start;
    const scale = lowest < 0 ? -lowest * DECIMALS - zerosAtEnd(last) : 0;
    return { isNegative, digits, weight: lowest + digits.length - 1, scale };
  }

  /** In plain notation, without zeros at the end: `0`, `-12.5`. */
  toString(): string {
    const { isNegative, digits, weight, scale } = this.parts();
    const groupAt = (place: number) => String(digits[weight - place] ?? 0).padStart(DECIMALS, '0');
    let whole = '';
    for (let place = weight; place >= 0; place -= 1) whole += groupAt(place);
    let fraction = '';
    for (let place = -1; fraction.length < scale; place -= 1) fraction += groupAt(place);
    const sign = isNegative ? '-' : '';
    const decimals = scale === 0 ? '' : `.${fraction.slice(0, scale)}`;
    return `${sign}${whole.replace(/^0+/, '') || '0'}${decimals}`;
  }

  #addAt(place: number, amount: number): void {
    const digits = this.#digits;
    for (; place < this.#lowest; this.#lowest -= 1) digits.unshift(0);
    const at = place - this.#lowest;
    while (digits.length <= at) digits.push(0);
    digits[at] = (digits[at] as number) + amount;
  }
}

/**
 * A number whose shortest decimal form has at most eight decimals and fifteen digits, in units of the eighth
 * decimal: a whole number. `undefined`: its form is longer.
 */
export function shortUnits(value: number): number | undefined {
  // A decimal of fifteen digits is the shortest form of the double that is nearest to it: the
  // division gives that double, as reading the decimal does.
  const units = Math.round(value * SHORT_UNIT);
  const isShort = value > -MOST_SHORT && value < MOST_SHORT && units / SHORT_UNIT === value;
  return isShort ? units : undefined;
}

/**
 * Brings every digit into 0 to 9,999.
 *
 * @returns what is left to carry: below 0 when the number is negative
 */
function carry(digits: number[]): number {
  let rest = 0;
  for (let i = 0; i < digits.length || rest > 0; i += 1) {
    const sum = (digits[i] ?? 0) + rest;
    rest = Math.floor(sum / BASE);
    digits[i] = sum - rest * BASE;
  }
  return rest;
}

/** How many decimal zeros are at the end of a digit, which is not 0. */
export function zerosAtEnd(digit: number): number {
  let zeros = 0;
  for (let rest = digit; rest % 10 === 0; rest /= 10) zeros += 1;
  return zeros;
}
