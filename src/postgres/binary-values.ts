import type { ByteView } from '../bytes/byte-view.ts';
import { SHORT, writeAscii } from '../bytes/short-text.ts';
import { BASE, DECIMALS, Decimal, SHORT_PLACE, shortUnits, zerosAtEnd } from './decimal.ts';

/** Object identifiers of types; source: PostgreSQL, pg_type.dat. */
export const OID = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  date: 1082,
  numeric: 1700,
  'int4[]': 1007,
  'text[]': 1009,
  'int8[]': 1016,
  'numeric[]': 1231,
} as const;

const NULL = -1;
/** Days from 1970-01-01 to 2000-01-01, where Postgres begins to count. */
const EPOCH_DAYS = 10_957;
const DAY_MS = 86_400_000;
const HIGH = 4_294_967_296;
const NUMERIC_NEGATIVE = 0x4000;
const ZERO = 0x30;

/**
 * Writes values in binary form: neither side turns numbers into text and back, which for arrays is
 * most of the work. A value is its length and its bytes, big-endian.
 *
 * Source: PostgreSQL, the functions `array_recv`, `numeric_recv` and their like.
 */
export class BinaryValues {
  protected bytes: Buffer;
  protected end = 0;
  #view: DataView;

  /** @param memory to write to, a whole one; or about how many bytes there will be */
  constructor(memory: Buffer | number) {
    // Not from the pool of small buffers: the view is of the whole memory.
    this.bytes = typeof memory === 'number' ? Buffer.allocUnsafeSlow(memory) : memory;
    this.#view = new DataView(this.bytes.buffer);
  }

  /** What was written to: larger memory than was given, where that was not enough. */
  get memory(): Buffer {
    return this.bytes;
  }

  null(): void {
    this.word(NULL);
  }

  boolean(value: boolean): void {
    this.#reserve(5);
    this.word(1);
    this.bytes[this.end++] = value ? 1 : 0;
  }

  int2(value: number): void {
    this.#reserve(6);
    this.word(2);
    this.#half(value);
  }

  /** @throws {RangeError} when the value is no whole number of 32 bits */
  int4(value: number): void {
    if (value !== (value | 0)) throw new RangeError(`${value} is no integer of four bytes`);
    this.#reserve(8);
    this.word(4);
    this.word(value);
  }

  /**
   * @param value whole; as text or bigint, for what is no safe integer
   * @throws {RangeError} when it is no whole number of 64 bits, or a number that is not exact
   */
  int8(value: number | string | bigint): void {
    this.#reserve(12);
    this.word(8);
    if (typeof value === 'number' && !Number.isSafeInteger(value)) {
      throw new RangeError(`${value} is no safe integer`);
    }
    if (typeof value !== 'number') {
      this.end = this.bytes.writeBigInt64BE(BigInt(value), this.end);
      return;
    }
    const high = Math.floor(value / HIGH);
    this.word(high);
    this.word((value - high * HIGH) | 0);
  }

  /** @param day as YYYY-MM-DD */
  date(day: string): void {
    this.int4(Date.parse(day) / DAY_MS - EPOCH_DAYS);
  }

  text(value: string): void {
    // A UTF-16 unit is three bytes of UTF-8 at most.
    this.#reserve(4 + value.length * 3);
    const at = this.end + 4;
    let length = value.length <= SHORT ? writeAscii(this.bytes, at, value) : -1;
    if (length === -1) length = this.bytes.write(value, at, 'utf8');
    this.word(length);
    this.end += length;
  }

  /** A text whose UTF-8 lies in `source` already, from `start` up to `end`. */
  textFrom(source: ByteView, start: number, end: number): void {
    const length = end - start;
    this.#reserve(4 + length);
    this.word(length);
    const at = this.end;
    this.end += length;
    if (length > SHORT) {
      source.bytes.copy(this.bytes, at, start, end);
      return;
    }
    const { bytes } = this;
    const to = this.#view;
    const { bytes: from, view } = source;
    let i = 0;
    for (; i + 4 <= length; i += 4) to.setInt32(at + i, view.getInt32(start + i));
    for (; i < length; i += 1) bytes[at + i] = from[start + i] as number;
  }

  /** Begins a bytea of which the caller writes every byte, with `word`. */
  bytea(length: number): void {
    this.#reserve(4 + length);
    this.word(length);
  }

  byteaOf(value: Buffer): void {
    this.bytea(value.length);
    this.end += value.copy(this.bytes, this.end);
  }

  /** Exactly this decimal: `12.5`, `-3`, `5e-324`. */
  numeric(value: number | string | Decimal): void {
    if (typeof value === 'number') {
      const units = shortUnits(value);
      if (units === undefined) {
        this.#numericOfForm(value);
        return;
      }
      if (units > 0) {
        this.#numericOf(units);
        return;
      }
    }
    const { isNegative, digits, weight, scale } = decimalOf(value).parts();
    const bytes = 8 + digits.length * 2;
    this.#reserve(4 + bytes);
    this.word(bytes);
    this.#half(digits.length);
    this.#half(weight);
    this.#half(isNegative ? NUMERIC_NEGATIVE : 0);
    this.#half(scale);
    for (const digit of digits) this.#half(digit);
  }

  /** The same without a `Decimal`, of most numbers: in units of `shortUnits`, more than 0. */
  #numericOf(units: number): void {
    let rest = units;
    let lowest = SHORT_PLACE;
    for (; rest % BASE === 0; lowest += 1) rest /= BASE;
    const last = rest % BASE;
    let count = 0;
    for (let left = rest; left !== 0; left = Math.trunc(left / BASE)) count += 1;
    const bytes = 8 + count * 2;
    this.#reserve(4 + bytes);
    this.word(bytes);
    this.#half(count);
    this.#half(lowest + count - 1);
    this.#half(0);
    this.#half(lowest < 0 ? -lowest * DECIMALS - zerosAtEnd(last) : 0);
    this.end += count * 2;
    for (let at = this.end - 2; rest !== 0; at -= 2) {
      this.#view.setInt16(at, rest % BASE);
      rest = Math.trunc(rest / BASE);
    }
  }

  /** The same of a number whose shortest form is long: digit by digit of that form. */
  #numericOfForm(value: number): void {
    if (!Number.isFinite(value)) throw new RangeError(`${value} is no decimal number`);
    const form = String(Math.abs(value));
    const e = form.indexOf('e');
    const end = e === -1 ? form.length : e;
    const dot = form.indexOf('.');
    const point = dot === -1 ? end : dot;
    const exponent = e === -1 ? 0 : Number(form.slice(e + 1));
    let first = 0;
    while (form.charCodeAt(first) === ZERO || first === point) first += 1;
    let last = end - 1;
    while (form.charCodeAt(last) === ZERO) last -= 1;
    const place = exponent + placeAt(last, point);
    const lowest = Math.floor(place / DECIMALS);
    const highest = Math.floor((exponent + placeAt(first, point)) / DECIMALS);
    const count = highest - lowest + 1;
    const bytes = 8 + count * 2;
    this.#reserve(4 + bytes);
    this.word(bytes);
    this.#half(count);
    this.#half(highest);
    this.#half(value < 0 ? NUMERIC_NEGATIVE : 0);
    this.#half(Math.max(-place, 0));
    this.end += count * 2;
    let at = this.end - 2;
    let digit = 0;
    let power = 10 ** (place - lowest * DECIMALS);
    for (let i = last; i >= first; i -= 1) {
      if (i === point) continue;
      digit += (form.charCodeAt(i) - ZERO) * power;
      power *= 10;
      if (power < BASE && i > first) continue;
      this.#view.setInt16(at, digit);
      at -= 2;
      digit = 0;
      power = 1;
    }
  }

  /**
   * Begins an array of one dimension; the caller writes its elements as fields, then `endArray`.
   *
   * @returns what `endArray` is given
   */
  beginArray(elementOid: number, length: number): number {
    this.#reserve(24);
    const start = this.end;
    this.end += 4;
    this.word(length === 0 ? 0 : 1);
    // There may be nulls: Postgres looks for itself.
    this.word(1);
    this.word(elementOid);
    if (length > 0) {
      this.word(length);
      this.word(1);
    }
    return start;
  }

  endArray(start: number): void {
    this.#view.setInt32(start, this.end - start - 4);
  }

  /** An array by itself, as a parameter of a statement; `write` writes the element of an index. */
  array(elementOid: number, length: number, write: (index: number) => void): Buffer {
    const start = this.beginArray(elementOid, length);
    for (let i = 0; i < length; i += 1) write(i);
    this.endArray(start);
    return this.bytes.subarray(start + 4, this.end);
  }

  protected setWord(at: number, value: number): void {
    this.#view.setInt32(at, value);
  }

  #half(value: number): void {
    this.#view.setInt16(this.end, value);
    this.end += 2;
  }

  /** Four bytes: of a bytea that was begun, or of what is written around values. */
  word(value: number): void {
    this.#reserve(4);
    this.#view.setInt32(this.end, value);
    this.end += 4;
  }

  #reserve(more: number): void {
    if (this.end + more <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.end + more));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Which power of ten the digit at an index of a decimal form counts. */
function placeAt(index: number, point: number): number {
  return index < point ? point - index - 1 : point - index;
}

function decimalOf(value: number | string | Decimal): Decimal {
  if (typeof value === 'number') return new Decimal().add(value);
  return typeof value === 'string' ? new Decimal().addText(value) : value;
}
