/**
 * Sums doubles as exact decimals. A double stands for its shortest decimal form, the one that every
 * language prints; the sum of those forms is the same in every order, which a sum of doubles is not.
 *
 * Source of the shortest form: ECMAScript, Number::toString.
 */
export class DecimalSum {
  /** The sum is `#units` times ten to the power of minus `#scale`. */
  #units = 0n;
  #scale = 0;

  /** @param value finite */
  add(value: number): void {
    if (value !== 0) this.#add(parse(String(value)));
  }

  #add({ units, scale }: { units: bigint; scale: number }): void {
    if (scale > this.#scale) {
      this.#units = this.#units * 10n ** BigInt(scale - this.#scale) + units;
      this.#scale = scale;
    } else {
      this.#units += units * 10n ** BigInt(this.#scale - scale);
    }
  }

  /** @param text a decimal number as Postgres prints it, such as `-12.50` */
  addText(text: string): void {
    this.#add(parse(text));
  }

  /** The exact sum in plain notation, without zeros at the end: `0`, `12.5`. */
  toString(): string {
    if (this.#scale === 0) return this.#units.toString();
    const negative = this.#units < 0n;
    const digits = (negative ? -this.#units : this.#units)
      .toString()
      .padStart(this.#scale + 1, '0');
    const whole = digits.slice(0, -this.#scale);
    const fraction = digits.slice(-this.#scale).replace(/0+$/, '');
    return `${negative ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
  }
}

/** `12.5`, `5e-324` or `1.2e+21` as units and scale; the scale is never negative. */
function parse(text: string): { units: bigint; scale: number } {
  const e = text.indexOf('e');
  const mantissa = e === -1 ? text : text.slice(0, e);
  const exponent = e === -1 ? 0 : Number(text.slice(e + 1));
  const point = mantissa.indexOf('.');
  const digits = point === -1 ? mantissa : mantissa.slice(0, point) + mantissa.slice(point + 1);
  const scale = (point === -1 ? 0 : mantissa.length - point - 1) - exponent;
  if (scale >= 0) return { units: BigInt(digits), scale };
  return { units: BigInt(digits) * 10n ** BigInt(-scale), scale: 0 };
}

/**
 * Adds counts exactly: a number as long as that is exact, a bigint from there on.
 *
 * @param b a safe integer
 */
export function addExactly(a: number | bigint, b: number): number | bigint {
  if (typeof a === 'bigint') return a + BigInt(b);
  const sum = a + b;
  return sum <= Number.MAX_SAFE_INTEGER ? sum : BigInt(a) + BigInt(b);
}
