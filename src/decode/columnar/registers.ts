/**
 * The values of one metric, each in the register that its field has in the layout (see `program.ts`).
 * They are those of the metric that was read last: whoever owns the registers reads a metric into
 * them and takes what it needs before it reads the next one.
 */
export class Registers {
  /** A number; a boolean as 0 or 1; of a record, whether it is there (1) or null (0). */
  readonly numbers: Float64Array;
  /** Where a text, or a record that may be null, begins in the bytes. */
  readonly starts: Int32Array;
  /** How many bytes it has; -1: it is null. */
  readonly lengths: Int32Array;

  constructor(count: number) {
    this.numbers = new Float64Array(count);
    this.starts = new Int32Array(count);
    this.lengths = new Int32Array(count);
  }

  /** Makes every number 0, and every text and record null. */
  clear(): void {
    const { numbers, lengths } = this;
    // For so few, faster than a call of `fill` for each.
    for (let i = 0; i < numbers.length; i += 1) {
      numbers[i] = 0;
      lengths[i] = -1;
    }
  }
}
