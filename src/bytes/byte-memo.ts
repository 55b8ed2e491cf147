import type { ByteView } from './byte-view.ts';

/**
 * A bounded cache of values made from bytes: the session of a message, or its model, is the same in
 * hundreds of messages. When it is full it starts empty again.
 */
export class ByteMemo<T> {
  readonly #make: (memory: ByteView, start: number, end: number) => T;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #bytesOf: (value: T) => number;
  /** Keys are the bytes, one character each. */
  readonly #values = new Map<string, T>();
  /** Approximate size of keys and values. */
  #bytes = 0;

  /**
   * @param make is called for bytes that are not cached; its result must not be modified
   * @param bytesOf size of a value beyond that of the bytes it was made from
   */
  constructor(
    make: (memory: ByteView, start: number, end: number) => T,
    { maxEntries, maxBytes }: { maxEntries: number; maxBytes: number },
    bytesOf: (value: T) => number = () => 0,
  ) {
    this.#bytesOf = bytesOf;
    this.#make = make;
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  /** The value made from the bytes from `start` up to `end`. */
  get(memory: ByteView, start: number, end: number): T {
    const key = memory.bytes.toString('latin1', start, end);
    const known = this.#values.get(key);
    if (known !== undefined) return known;
    const value = this.#make(memory, start, end);
    this.#add(key, value);
    return value;
  }

  #add(key: string, value: T): void {
    const bytes = key.length + this.#bytesOf(value);
    // One value must not push out many.
    if (bytes > this.#maxBytes >> 4) return;
    if (this.#values.size >= this.#maxEntries || this.#bytes + bytes > this.#maxBytes) {
      this.#values.clear();
      this.#bytes = 0;
    }
    this.#values.set(key, value);
    this.#bytes += bytes;
  }
}
