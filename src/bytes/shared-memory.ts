/** What is kept at most; more than that is left to the garbage collector. */
const MAX_BYTES = 8 * 1_048_576;
/** Sizes are whole multiples of this: fetches that are about as large fit into each other's memory. */
const STEP_BYTES = 16_384;

/**
 * ByteView that both threads see: what was fetched is written into it here, read there, and written
 * over when it is not needed any more. Handed from thread to thread instead, it would be memory that
 * each of their collectors counts, and megabytes a second would make them work all the time.
 */
export class SharedMemory {
  readonly #spare: SharedArrayBuffer[] = [];
  #bytes = 0;

  /** Bytes that wait to be used again. */
  get spareBytes(): number {
    return this.#bytes;
  }

  /** ByteView of at least so many bytes. What is in it is not cleared. */
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

  /** Takes back what nobody looks at any more. */
  give(memory: SharedArrayBuffer): void {
    if (memory.byteLength > MAX_BYTES) return;
    // The oldest sizes make way: they were not asked for.
    while (this.#bytes + memory.byteLength > MAX_BYTES) {
      this.#bytes -= (this.#spare.shift() as SharedArrayBuffer).byteLength;
    }
    this.#spare.push(memory);
    this.#bytes += memory.byteLength;
  }
}
