/** Numbers of eight bytes begin where eight divides. */
const ALIGNMENT = 8;

/**
 * Arena for arrays, one behind the other in one memory. What does not fit gets memory of its own. In
 * what is made here anything may be.
 */
export class Arena {
  /** Every array gets memory of its own. */
  static readonly none = new Arena(new SharedArrayBuffer(0));

  readonly memory: SharedArrayBuffer;
  #end: number;

  /** @param start where the room begins */
  constructor(memory: SharedArrayBuffer, start = 0) {
    this.memory = memory;
    this.#end = start;
  }

  /** Where what is still free begins. */
  get end(): number {
    return this.#end;
  }

  uint8(length: number): Uint8Array {
    const at = this.#take(length);
    return at === -1 ? new Uint8Array(length) : new Uint8Array(this.memory, at, length);
  }

  uint16(length: number): Uint16Array {
    const at = this.#take(length * 2);
    return at === -1 ? new Uint16Array(length) : new Uint16Array(this.memory, at, length);
  }

  int32(length: number): Int32Array {
    const at = this.#take(length * 4);
    return at === -1 ? new Int32Array(length) : new Int32Array(this.memory, at, length);
  }

  float64(length: number): Float64Array {
    const at = this.#take(length * 8);
    return at === -1 ? new Float64Array(length) : new Float64Array(this.memory, at, length);
  }

  /** -1: there is not as much left. */
  #take(bytes: number): number {
    const at = this.#end;
    if (at + bytes > this.memory.byteLength) return -1;
    this.#end = Math.ceil((at + bytes) / ALIGNMENT) * ALIGNMENT;
    return at;
  }
}
