import { isUtf8 } from 'node:buffer';
import { ALL_UTF8 } from '../../records/agent-event.ts';

const REPLACEMENT = '\uFFFD';
/** Ten bytes of seven bits hold 64 bits. */
const MAX_LONG_BYTES = 10;
/** Parts that may be skipped for each byte of a message; an ordinary one has less than one. */
const STEPS_PER_BYTE = 4;
const FREE_STEPS = 10_000;

/**
 * Reads the Avro binary of one message. It never reads outside the message, whatever lengths and
 * counts are in it, and bounds the work that is done for it.
 */
export class Cursor {
  readonly #bytes: Buffer;
  readonly #end: number;
  /** The field that is read, by its name in our schema. */
  field = '';
  #notUtf8: string[] | undefined;
  #at: number;
  #steps: number;

  constructor(bytes: Buffer, start: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = bytes.length;
    this.#steps = FREE_STEPS + (bytes.length - start) * STEPS_PER_BYTE;
  }

  /** Bytes that are left. */
  get left(): number {
    return this.#end - this.#at;
  }

  /** The fields with texts that are not UTF-8; see `AgentEvent`. */
  get notUtf8(): readonly string[] {
    return this.#notUtf8 ?? ALL_UTF8;
  }

  /** Counts a part that is skipped. */
  step(): void {
    this.#steps -= 1;
    if (this.#steps < 0) throw new Error('the message needs more work than its size allows');
  }

  /** @returns where the skipped bytes begin */
  skip(count: number): number {
    const start = this.#at;
    if (!(count >= 0 && count <= this.#end - start)) {
      throw new Error(`the message ends within a value: it has no ${count} bytes more`);
    }
    this.#at = start + count;
    return start;
  }

  boolean(): boolean {
    return this.#bytes[this.skip(1)] !== 0;
  }

  float(): number {
    return this.#bytes.readFloatLE(this.skip(4));
  }

  double(): number {
    return this.#bytes.readDoubleLE(this.skip(8));
  }

  /** Exact up to 2^53-1; beyond that, an unsafe integer of the same sign. */
  long(): number {
    const first = this.#byte();
    // Most are: counts that are zero, lengths and branches.
    if (first <= 0x7f) return (first & 1) === 0 ? first >> 1 : -(first >> 1) - 1;
    // The lowest bit is the sign. The other 63 are halved, so that what is safe stays exact.
    let zigzag = first & 0x7e;
    let byte = first;
    let factor = 128;
    for (let count = 1; byte > 0x7f; count += 1) {
      if (count === MAX_LONG_BYTES) throw new Error('an integer has more than 64 bits');
      byte = this.#byte();
      zigzag += (byte & 0x7f) * factor;
      factor *= 128;
    }
    const half = zigzag / 2;
    return (first & 1) === 0 ? half : -half - 1;
  }

  /** Bytes that are not UTF-8 come out as U+FFFD, and `notUtf8` has the field. */
  string(): string {
    const length = this.long();
    const start = this.skip(length);
    const text = this.#bytes.toString('utf8', start, start + length);
    if (text.includes(REPLACEMENT) && !isUtf8(this.#bytes.subarray(start, start + length))) {
      this.#notUtf8 ??= [];
      if (!this.#notUtf8.includes(this.field)) this.#notUtf8.push(this.field);
    }
    return text;
  }

  /**
   * The number of items in the next block of an array or a map; 0 ends it.
   *
   * @param itemsAreEmpty they take no bytes, and so their number is not bounded by what is left
   */
  blockCount(itemsAreEmpty = false): number {
    let count = this.long();
    if (count < 0) {
      count = -count;
      this.long();
    }
    if (count > this.left && !itemsAreEmpty) {
      throw new Error('a block has more items than the message can hold');
    }
    return count;
  }

  #byte(): number {
    const at = this.#at;
    if (at >= this.#end) this.skip(1);
    this.#at = at + 1;
    return this.#bytes[at] as number;
  }
}
