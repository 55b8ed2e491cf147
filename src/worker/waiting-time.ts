import type { RecordBlock } from '../records/record-block.ts';

/** Since when the first record of a partition that is fetched and not applied has been waiting. */
export class WaitingTime {
  /** Blocks with records that wait. A block is released only after the position has moved past it. */
  readonly #blocks: RecordBlock[] = [];
  #since: number | undefined;

  /** Its time in Kafka, in milliseconds since 1970; `undefined`: none waits. */
  get since(): number | undefined {
    return this.#since;
  }

  fetched(block: RecordBlock, position: number): void {
    if (block.size === 0) return;
    this.#blocks.push(block);
    if (this.#since === undefined) this.appliedTo(position);
  }

  /** The position has moved. */
  appliedTo(position: number): void {
    let block = this.#blocks[0];
    while (block !== undefined && block.offsetAt(block.size - 1) < position) {
      this.#blocks.shift();
      block = this.#blocks[0];
    }
    this.#since = block?.timestampAt(firstFrom(block, position));
  }
}

/** The index of the first record at or after an offset; there is one. */
function firstFrom(block: RecordBlock, offset: number): number {
  let low = 0;
  let high = block.size - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (block.offsetAt(middle) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
