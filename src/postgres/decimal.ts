import { addToLimbs, LIMBS, textOfLimbs } from './limbs.ts';

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

/** With so many digits a whole number is exact. */
const SAFE_DIGITS = 15;
const POWERS = Array.from({ length: SAFE_DIGITS }, (_, i) => 10 ** i);

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
