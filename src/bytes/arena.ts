/** A `Float64Array` must begin at a multiple of this. */
const ALIGNMENT = 8;

/**
 * Allocates arrays one after another in one memory. An array that does not fit gets memory of its
 * own. Arrays are not cleared: the memory may have been used before.
 */
export class Arena {
  /** Has no memory: every array gets its own. */
  static readonly none = new Arena(new SharedArrayBuffer(0));

  readonly memory: SharedArrayBuffer;
  #end: number;

  /** @param start where the first array may begin */
  constructor(memory: SharedArrayBuffer, start = 0) {
    this.memory = memory;
    this.#end = start;
  }

  /** Where the free memory begins. */
  get end(): number {
    return this.#end;
  }

  uint8(length: number): Uint8Array {
    const at = this.#allocate(length);
    return at === -1 ? new Uint8Array(length) : new Uint8Array(this.memory, at, length);
  }

  uint16(length: number): Uint16Array {
    const at = this.#allocate(length * 2);
    return at === -1 ? new Uint16Array(length) : new Uint16Array(this.memory, at, length);
  }

  int32(length: number): Int32Array {
    const at = this.#allocate(length * 4);
    return at === -1 ? new Int32Array(length) : new Int32Array(this.memory, at, length);
  }

  float64(length: number): Float64Array {
    const at = this.#allocate(length * 8);
    return at === -1 ? new Float64Array(length) : new Float64Array(this.memory, at, length);
  }

  /** Where the bytes begin; -1: there is not enough left. */
  #allocate(bytes: number): number {
    const at = this.#end;
    if (at + bytes > this.memory.byteLength) return -1;
    this.#end = Math.ceil((at + bytes) / ALIGNMENT) * ALIGNMENT;
    return at;
  }
}
