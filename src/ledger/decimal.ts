/**
 * Sums doubles as exact decimals. A double stands for its shortest decimal form, the one that every
 * language prints; the sum of those forms is the same in every order, which a sum of doubles is not.
 *
 * Source of the shortest form: ECMAScript, Number::toString.
 */
export class DecimalSum {
  /** The usual doubles: a bigint for each would cost more than the sum. */
  readonly #limbs = new Float64Array(LIMBS);
  /**
   * Everything else: `#units` times ten to the power of minus `#scale`, a number as long as that is
   * exact, a bigint from there on.
   */
  #units: number | bigint = 0;
  #scale = 0;

  /** @param value finite */
  add(value: number): void {
    if (value !== 0 && !addToLimbs(this.#limbs, 0, value)) this.#add(parse(String(value)));
  }

  #add({ units, scale }: Decimal): void {
    const most = Math.max(scale, this.#scale);
    this.#units = plus(scaled(this.#units, most - this.#scale), scaled(units, most - scale));
    this.#scale = most;
  }

  /** @param text a decimal number as Postgres prints it, such as `-12.50` */
  addText(text: string): void {
    this.#add(parse(text));
  }

  /** The exact sum in plain notation, without zeros at the end: `0`, `12.5`. */
  toString(): string {
    const plain = textOfLimbs(this.#limbs, 0);
    if (this.#units === 0) return plain;
    this.#add(parse(plain));
    this.#limbs.fill(0);
    if (this.#scale === 0) return this.#units.toString();
    const negative = this.#units < 0;
    const digits = (negative ? -this.#units : this.#units)
      .toString()
      .padStart(this.#scale + 1, '0');
    const whole = digits.slice(0, -this.#scale);
    const fraction = digits.slice(-this.#scale).replace(/0+$/, '');
    return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  }
}

/**
 * Numbers that hold a sum of usual doubles: what is in front of the point, and two times nine digits
 * behind it.
 */
export const LIMBS = 3;

/**
 * Adds to the three limbs from `at` on, exactly.
 *
 * @returns false, and nothing is added: the value is negative, or has too many digits
 */
export function addToLimbs(limbs: Float64Array, at: number, value: number): boolean {
  if (value < 0 || value > MOST_WHOLE) return false;
  const text = String(value);
  let whole = 0;
  let i = 0;
  for (; i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit === POINT) break;
    if (digit < 0 || digit > 9) return false;
    whole = whole * 10 + digit;
  }
  let high = limbAt(text, i + 1);
  let low = limbAt(text, i + 1 + LIMB_DIGITS);
  if (high < 0 || low < 0 || text.length - i - 1 > LIMB_DIGITS * 2) return false;
  whole += limbs[at] as number;
  high += limbs[at + 1] as number;
  low += limbs[at + 2] as number;
  if (low >= LIMB) {
    low -= LIMB;
    high += 1;
  }
  if (high >= LIMB) {
    high -= LIMB;
    whole += 1;
  }
  if (whole > MOST_WHOLE) return false;
  limbs[at] = whole;
  limbs[at + 1] = high;
  limbs[at + 2] = low;
  return true;
}

/** The sum in the limbs from `at` on, in plain notation, without zeros at the end: `0`, `12.5`. */
export function textOfLimbs(limbs: Float64Array, at: number): string {
  const digits = (limb: number) => String(limbs[limb]).padStart(LIMB_DIGITS, '0');
  const fraction = `${digits(at + 1)}${digits(at + 2)}`.replace(/0+$/, '');
  return fraction === '' ? `${limbs[at]}` : `${limbs[at]}.${fraction}`;
}

/** With so many digits a whole number is exact. */
const SAFE_DIGITS = 15;
const POWERS = Array.from({ length: SAFE_DIGITS }, (_, i) => 10 ** i);
const LIMB_DIGITS = 9;
const LIMB = 10 ** LIMB_DIGITS;
/** With twice as much a number is still exact. */
const MOST_WHOLE = 2 ** 52;
const ZERO = 0x30;
/** The point, as a digit. */
const POINT = 0x2e - ZERO;

/** Nine digits of a text from `start` on, with zeros behind its end; -1: there is something else. */
function limbAt(text: string, start: number): number {
  let limb = 0;
  for (let i = start; i < start + LIMB_DIGITS; i += 1) {
    const digit = i < text.length ? text.charCodeAt(i) - ZERO : 0;
    if (digit < 0 || digit > 9) return -1;
    limb = limb * 10 + digit;
  }
  return limb;
}

interface Decimal {
  readonly units: number | bigint;
  readonly scale: number;
}

/** `12.5`, `5e-324` or `1.2e+21` as units and scale; the scale is never negative. */
function parse(text: string): Decimal {
  const e = text.indexOf('e');
  const mantissa = e === -1 ? text : text.slice(0, e);
  const exponent = e === -1 ? 0 : Number(text.slice(e + 1));
  const point = mantissa.indexOf('.');
  const digits = point === -1 ? mantissa : mantissa.slice(0, point) + mantissa.slice(point + 1);
  const scale = (point === -1 ? 0 : mantissa.length - point - 1) - exponent;
  const units = digits.length <= SAFE_DIGITS ? Number(digits) : BigInt(digits);
  return scale >= 0 ? { units, scale } : { units: scaled(units, -scale), scale: 0 };
}

function scaled(units: number | bigint, digits: number): number | bigint {
  if (digits === 0) return units;
  if (typeof units === 'number') {
    const product = units * (POWERS[digits] ?? Number.POSITIVE_INFINITY);
    if (Number.isSafeInteger(product)) return product;
  }
  return BigInt(units) * 10n ** BigInt(digits);
}

function plus(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return BigInt(a) + BigInt(b);
}
