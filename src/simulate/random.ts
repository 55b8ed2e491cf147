const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_';

/**
 * Seeded random numbers (Chris Doty-Humphrey's sfc32): the same seed and stream always give the
 * same numbers, and different streams of a seed are independent of each other. Not for secrets.
 */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** `seed` and `stream` are whole numbers from 0 to 2^53-1; throws RangeError for others. */
  constructor(seed: number, stream: number) {
    for (const number of [seed, stream]) {
      if (!Number.isSafeInteger(number) || number < 0) {
        throw new RangeError(`a seed is a whole number from 0 to 2^53-1, not ${number}`);
      }
    }
    this.#a = mix32(seed) ^ mix32(stream + 0x9e3779b9);
    this.#b = mix32(Math.floor(seed / 2 ** 32) ^ 0x85ebca6b);
    this.#c = mix32(Math.floor(stream / 2 ** 32) ^ mix32(stream));
    for (let round = 0; round < 12; round++) this.uint32();
  }

  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }

  /** A double of 53 random bits, from 0 to below 1. */
  unit(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) / 2 ** 53;
  }

  /** A double with its full precision, from `low` to below `high`. */
  between(low: number, high: number): number {
    return low + (high - low) * this.unit();
  }

  /** A whole number from `low` to `high`, both included, at most 2^32-1 apart. */
  integer(low: number, high: number): number {
    return low + Math.floor((this.uint32() / 2 ** 32) * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.uint32() < probability * 2 ** 32;
  }

  /** One of `items`, which must not be empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** `length` hexadecimal digits. */
  hex(length: number): string {
    let text = '';
    while (text.length < length) text += this.uint32().toString(16).padStart(8, '0');
    return text.slice(0, length);
  }

  /** `length` characters as in ids of providers: A-Z, a-z, 0-9, `-` and `_`. */
  alphanumeric(length: number): string {
    let text = '';
    while (text.length < length) {
      // 30 of the 32 bits make five characters.
      for (let bits = this.uint32(), n = 0; n < 5; n++, bits >>>= 6)
        text += ALPHANUMERIC[bits & 63];
    }
    return text.slice(0, length);
  }
}

/** A bijection of 32-bit numbers that spreads neighbours far apart (the end of MurmurHash3). */
export function mix32(value: number): number {
  let mixed = value | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
