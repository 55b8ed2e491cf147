import { BinaryValues } from './binary-values.ts';

/** Of an array of one dimension. */
const HEADER_BYTES = 20;

/**
 * Writes an array of rows (of a composite type) in binary form. A row is, for each of its columns,
 * `column` and then one value.
 *
 * Source: PostgreSQL, the functions `array_recv` and `record_recv`.
 */
export class BinaryRows extends BinaryValues {
  #rows = 0;
  #rowStart = 0;

  /**
   * @param rowOid of the composite type
   * @param memory see `BinaryValues`
   */
  constructor(rowOid: number, memory: Buffer | number) {
    super(memory);
    // One dimension, no nulls; the number of rows is filled in at the end; the first is number 1.
    for (const word of [1, 0, rowOid, 0, 1]) this.word(word);
  }

  get isEmpty(): boolean {
    return this.#rows === 0;
  }

  beginRow(columns: number): void {
    this.#rows += 1;
    this.#rowStart = this.end;
    this.word(0);
    this.word(columns);
  }

  endRow(): void {
    this.setWord(this.#rowStart, this.end - this.#rowStart - 4);
  }

  /** Begins a column of the row; its value comes next. */
  column(oid: number): void {
    this.word(oid);
  }

  /** The array. No row can be added to it any more; other values can be written after it. */
  finish(): Buffer {
    this.setWord(HEADER_BYTES - 8, this.#rows);
    return this.bytes.subarray(0, this.end);
  }
}
