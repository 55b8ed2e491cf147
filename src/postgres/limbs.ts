/**
 * Usual doubles as exact decimals, in limbs: what is in front of the point, and three times eight
 * digits behind it, each as a number. A double stands for its shortest decimal form; see
 * `DecimalSum`, which holds what is unusual, too.
 */
export const LIMBS = 4;
const LIMB_DIGITS = 8;
const LIMB = 10 ** LIMB_DIGITS;
/** With twice as much a number is still exact. */
const MOST_WHOLE = 2 ** 52;
/** Up to here a number with eight digits behind the point has fifteen. */
const MOST_SHORT = 10 ** (15 - LIMB_DIGITS);
const ZERO = 0x30;
/** The point, as a digit. */
const POINT = 0x2e - ZERO;

/** As many as an unsigned byte has values. */
const REMEMBERED = 256;
/** The limbs of values that were asked for: each is asked for twice, for the ledger and for its sum. */
export const knownLimbs = new Float64Array(REMEMBERED * LIMBS);
const known = new Float64Array(REMEMBERED).fill(Number.NaN);
const bits = new Float64Array(1);
const halves = new Int32Array(bits.buffer);

/**
 * Where in `knownLimbs` those of a value are, until the next call.
 *
 * @returns -1: the value is negative, or has too many digits
 */
export function limbsOf(value: number): number {
  bits[0] = value;
  const hash = Math.imul((halves[0] as number) ^ (halves[1] as number), 0x9e3779b1) >>> 24;
  const at = hash * LIMBS;
  if (known[hash] === value) return at;
  known[hash] = Number.NaN;
  if (!readLimbs(value, at)) return -1;
  known[hash] = value;
  return at;
}

function readLimbs(value: number, at: number): boolean {
  if (!(value >= 0 && value <= MOST_WHOLE)) return false;
  return (value < MOST_SHORT && readShort(value, at)) || readText(String(value), at);
}

/**
 * Without a text: a decimal of up to fifteen digits is the shortest form of the double that is read
 * from it, since no other one of so few digits is read as the same double. The division gives the
 * double that is nearest to the decimal, as reading does.
 */
function readShort(value: number, at: number): boolean {
  const units = Math.round(value * LIMB);
  if (units / LIMB !== value) return false;
  const whole = Math.floor(units / LIMB);
  knownLimbs[at] = whole;
  knownLimbs[at + 1] = units - whole * LIMB;
  knownLimbs[at + 2] = 0;
  knownLimbs[at + 3] = 0;
  return true;
}

function readText(text: string, at: number): boolean {
  let whole = 0;
  let i = 0;
  for (; i < text.length; i += 1) {
    const digit = text.charCodeAt(i) - ZERO;
    if (digit === POINT) break;
    if (digit < 0 || digit > 9) return false;
    whole = whole * 10 + digit;
  }
  knownLimbs[at] = whole;
  for (let limb = 1; limb < LIMBS; limb += 1) {
    const digits = limbIn(text, i + 1 + (limb - 1) * LIMB_DIGITS);
    if (digits < 0) return false;
    knownLimbs[at + limb] = digits;
  }
  return text.length - i - 1 <= (LIMBS - 1) * LIMB_DIGITS;
}

/** Eight digits of a text from `start` on, with zeros behind its end; -1: there is something else. */
function limbIn(text: string, start: number): number {
  if (start >= text.length) return 0;
  let limb = 0;
  for (let i = start; i < start + LIMB_DIGITS; i += 1) {
    const digit = i < text.length ? text.charCodeAt(i) - ZERO : 0;
    if (digit < 0 || digit > 9) return -1;
    limb = limb * 10 + digit;
  }
  return limb;
}

/**
 * Adds to the limbs from `at` on, exactly.
 *
 * @returns false, and nothing is added: the value has no limbs, or the sum is too large for them
 */
export function addToLimbs(limbs: Float64Array, at: number, value: number): boolean {
  const from = limbsOf(value);
  if (from === -1) return false;
  let whole = (limbs[at] as number) + (knownLimbs[from] as number);
  let first = (limbs[at + 1] as number) + (knownLimbs[from + 1] as number);
  let second = (limbs[at + 2] as number) + (knownLimbs[from + 2] as number);
  let third = (limbs[at + 3] as number) + (knownLimbs[from + 3] as number);
  if (third >= LIMB) {
    third -= LIMB;
    second += 1;
  }
  if (second >= LIMB) {
    second -= LIMB;
    first += 1;
  }
  if (first >= LIMB) {
    first -= LIMB;
    whole += 1;
  }
  if (whole > MOST_WHOLE) return false;
  limbs[at] = whole;
  limbs[at + 1] = first;
  limbs[at + 2] = second;
  limbs[at + 3] = third;
  return true;
}

/** The sum in the limbs from `at` on, in plain notation, without zeros at the end: `0`, `12.5`. */
export function textOfLimbs(limbs: Float64Array, at: number): string {
  let fraction = '';
  for (let limb = at + 1; limb < at + LIMBS; limb += 1) {
    fraction += String(limbs[limb]).padStart(LIMB_DIGITS, '0');
  }
  fraction = fraction.replace(/0+$/, '');
  return fraction === '' ? `${limbs[at]}` : `${limbs[at]}.${fraction}`;
}
