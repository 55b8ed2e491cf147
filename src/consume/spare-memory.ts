/** What is kept at most; more than that is left to the garbage collector. */
const MAX_BYTES = 8 * 1_048_576;
/** Less than a page of memory is not worth keeping. */
const PAGE_BYTES = 4_096;

/**
 * Memory that was handed to the other thread and came back. Megabytes a second go that way: made anew
 * each time, they are pages for the kernel to clear and, until they are collected, memory that
 * nobody needs.
 */
export class SpareMemory {
  #spare: ArrayBuffer[] = [];
  #bytes = 0;

  /** Bytes that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Memory of at least so many bytes, and of a quarter more at most. What is in it is not cleared. */
  take(bytes: number): ArrayBuffer {
    const most = bytes + (bytes >> 2);
    for (let i = 0; i < this.#spare.length; i += 1) {
      const memory = this.#spare[i] as ArrayBuffer;
      if (memory.byteLength < bytes || memory.byteLength > most) continue;
      this.#spare[i] = this.#spare[this.#spare.length - 1] as ArrayBuffer;
      this.#spare.pop();
      this.#bytes -= memory.byteLength;
      return memory;
    }
    return new ArrayBuffer(bytes);
  }

  /** Takes back what nobody looks at any more. */
  give(memories: readonly ArrayBuffer[]): void {
    for (const memory of memories) {
      if (memory.byteLength < PAGE_BYTES || memory.byteLength > MAX_BYTES) continue;
      // The oldest sizes make way: they were not asked for.
      while (this.#bytes + memory.byteLength > MAX_BYTES && this.#spare.length > 0) {
        this.#bytes -= (this.#spare.shift() as ArrayBuffer).byteLength;
      }
      this.#spare.push(memory);
      this.#bytes += memory.byteLength;
    }
  }
}
