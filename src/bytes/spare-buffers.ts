/** A larger one is not kept: a batch needs less, unless its texts are unusually long. */
const MAX_BYTES = 8 * 1_048_576;

/**
 * Buffers of megabytes that are used again and again. Memory that is allocated for a batch and left to the
 * garbage collector counts as growth of the heap: V8 then collects all of it, however little is garbage.
 */
export class SpareBuffers {
  readonly #spare: Buffer[] = [];

  /** @returns a buffer of at least so many bytes, with whatever was written to it before */
  take(bytes: number): Buffer {
    const spare = this.#spare.pop();
    if (spare !== undefined && spare.length >= bytes) return spare;
    // Not from the pool of small buffers: who writes makes a view of the whole memory.
    return Buffer.allocUnsafeSlow(bytes);
  }

  /** Takes a buffer back: nobody may read it, or write to it, from now on. */
  give(buffer: Buffer): void {
    if (buffer.length <= MAX_BYTES) this.#spare.push(buffer);
  }
}
