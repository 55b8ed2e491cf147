/** Kept for reuse at most; more than that is left to the garbage collector. */
const MAX_BYTES = 16 * 1_048_576;
/** Sizes are multiples of this, so that fetches of similar sizes fit into each other's memory. */
const STEP_BYTES = 16_384;

/**
 * Memory that two threads share: one writes what it fetched, the other reads it, and then it is used
 * again. Were it transferred instead, the collectors of both threads would count it, and megabytes a
 * second would keep them collecting.
 */
export class SharedMemory {
  readonly #spare: SharedArrayBuffer[] = [];
  #bytes = 0;

  /** Bytes that are free to be used again. */
  get spareBytes(): number {
    return this.#bytes;
  }

  /** Memory of at least so many bytes; it is not cleared. */
  take(bytes: number): SharedArrayBuffer {
    const size = Math.ceil(bytes / STEP_BYTES) * STEP_BYTES;
    for (let i = 0; i < this.#spare.length; i += 1) {
      const memory = this.#spare[i] as SharedArrayBuffer;
      if (memory.byteLength < size || memory.byteLength > size * 2) continue;
      this.#spare[i] = this.#spare[this.#spare.length - 1] as SharedArrayBuffer;
      this.#spare.pop();
      this.#bytes -= memory.byteLength;
      return memory;
    }
    return new SharedArrayBuffer(size);
  }

  /** Takes back memory that is not read any more. */
  give(memory: SharedArrayBuffer): void {
    if (memory.byteLength > MAX_BYTES) return;
    // The oldest go first: their sizes were not needed since.
    while (this.#bytes + memory.byteLength > MAX_BYTES) {
      this.#bytes -= (this.#spare.shift() as SharedArrayBuffer).byteLength;
    }
    this.#spare.push(memory);
    this.#bytes += memory.byteLength;
  }
}
