/**
 * Sums doubles as exact decimals. A double stands for its shortest decimal form, the one that every
 * language prints; the sum of those forms is the same in every order, which a sum of doubles is not.
 *
 * Source of the shortest form: ECMAScript, Number::toString.
 */
export class DecimalSum {
  /**
   * The usual doubles are added as three numbers: what is in front of the point, and two times nine
   * digits behind it. A bigint for each would cost more than the sum.
   */
  #whole = 0;
  #high = 0;
  #low = 0;
  /**
   * Everything else: `#units` times ten to the power of minus `#scale`, a number as long as that is
   * exact, a bigint from there on.
   */
  #units: number | bigint = 0;
  #scale = 0;

  /** @param value finite */
  add(value: number): void {
    if (value === 0) return;
    const text = String(value);
    if (value < 0 || value > MOST_WHOLE || !this.#addPlain(text)) this.#add(parse(text));
  }

  /** @returns false, and nothing is added: it is not plain, or has too many digits */
  #addPlain(text: string): boolean {
    let whole = 0;
    let at = 0;
    for (; at < text.length; at += 1) {
      const digit = text.charCodeAt(at) - ZERO;
      if (digit === POINT) break;
      if (digit < 0 || digit > 9) return false;
      whole = whole * 10 + digit;
    }
    const high = limbAt(text, at + 1);
    const low = limbAt(text, at + 1 + LIMB_DIGITS);
    if (high < 0 || low < 0 || text.length - at - 1 > LIMB_DIGITS * 2) return false;
    this.#low += low;
    this.#high += high;
    this.#whole += whole;
    if (this.#low >= LIMB) {
      this.#low -= LIMB;
      this.#high += 1;
    }
    if (this.#high >= LIMB) {
      this.#high -= LIMB;
      this.#whole += 1;
    }
    if (this.#whole > MOST_WHOLE) this.#unite();
    return true;
  }

  /** Adds the three numbers to the rest. */
  #unite(): void {
    const limb = BigInt(LIMB);
    const units = (BigInt(this.#whole) * limb + BigInt(this.#high)) * limb + BigInt(this.#low);
    this.#whole = 0;
    this.#high = 0;
    this.#low = 0;
    this.#add({ units, scale: LIMB_DIGITS * 2 });
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
    if (this.#units !== 0) this.#unite();
    else if (this.#whole + this.#high + this.#low > 0) return this.#plain();
    if (this.#scale === 0) return this.#units.toString();
    const negative = this.#units < 0;
    const digits = (negative ? -this.#units : this.#units)
      .toString()
      .padStart(this.#scale + 1, '0');
    const whole = digits.slice(0, -this.#scale);
    const fraction = digits.slice(-this.#scale).replace(/0+$/, '');
    return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  }

  #plain(): string {
    const digits = (limb: number) => String(limb).padStart(LIMB_DIGITS, '0');
    const fraction = `${digits(this.#high)}${digits(this.#low)}`.replace(/0+$/, '');
    return fraction === '' ? `${this.#whole}` : `${this.#whole}.${fraction}`;
  }
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
