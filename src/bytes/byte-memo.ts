import { type ByteView, byteViewOf } from './byte-view.ts';

const INITIAL_ENTRIES = 64;
const INITIAL_BYTES = 4_096;
/** A longer chain is no accident: what comes after it is made each time. */
const MAX_PROBES = 16;

/**
 * A cache by bytes: the session of a message, or its model, is the same in hundreds of them, and a `Map`
 * would need a string for each lookup. Bytes are compared whole, never by their hash alone. When it is
 * full it is cleared.
 */
export class ByteMemo<T> {
  readonly #make: (memory: ByteView, start: number, end: number) => T;
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  readonly #bytesOf: (value: T) => number;
  /** About what the entries take: their bytes, and what was made of them. */
  #bytes = 0;
  #values: T[] = [];
  /** For each entry: hash, start and end of its bytes. */
  #entries = new Int32Array(INITIAL_ENTRIES * 3);
  /** Numbers of entries, beginning with 1; 0 is free. Half full at most. */
  #index = new Int32Array(INITIAL_ENTRIES * 2);
  #known = byteViewOf(Buffer.alloc(INITIAL_BYTES));
  #end = 0;

  /**
   * @param make is called for bytes that are not cached; and may be again for the same bytes
   * @param bytesOf what a value takes beyond about as much as the bytes that it was made of
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

  /** What was made of the bytes from `start` up to `end`. */
  get(memory: ByteView, start: number, end: number): T {
    const hash = hashOf(memory, start, end);
    const mask = this.#index.length - 1;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const place = (hash + probe) & mask;
      const entry = this.#index[place] as number;
      if (entry === 0) return this.#add(hash, memory, start, end);
      if (this.#isSame(entry - 1, hash, memory, start, end)) {
        return this.#values[entry - 1] as T;
      }
    }
    return this.#make(memory, start, end);
  }

  #isSame(entry: number, hash: number, memory: ByteView, start: number, end: number): boolean {
    const entries = this.#entries;
    if (entries[entry * 3] !== hash) return false;
    let at = entries[entry * 3 + 1] as number;
    if ((entries[entry * 3 + 2] as number) - at !== end - start) return false;
    const { bytes, view } = memory;
    const { bytes: knownBytes, view: knownView } = this.#known;
    let i = start;
    for (; i + 4 <= end; i += 4, at += 4) {
      if (knownView.getInt32(at, true) !== view.getInt32(i, true)) return false;
    }
    for (; i < end; i += 1, at += 1) if (knownBytes[at] !== bytes[i]) return false;
    return true;
  }

  #add(hash: number, memory: ByteView, start: number, end: number): T {
    const value = this.#make(memory, start, end);
    const length = end - start;
    const bytes = length + this.#bytesOf(value);
    if (bytes > this.#maxBytes >> 4) return value;
    if (this.#values.length >= this.#maxEntries || this.#bytes + bytes > this.#maxBytes) {
      this.#clear();
    }
    this.#bytes += bytes;
    this.#makeRoomFor(length);
    const entry = this.#values.length;
    this.#values.push(value);
    this.#entries.set([hash, this.#end, this.#end + length], entry * 3);
    this.#end += memory.bytes.copy(this.#known.bytes, this.#end, start, end);
    this.#place(entry, hash);
    return value;
  }

  /** A hash that finds no place within reach is forgotten: it costs time and is never wrong. */
  #place(entry: number, hash: number): void {
    const mask = this.#index.length - 1;
    for (let probe = 0; probe < MAX_PROBES; probe += 1) {
      const place = (hash + probe) & mask;
      if (this.#index[place] !== 0) continue;
      this.#index[place] = entry + 1;
      return;
    }
  }

  #makeRoomFor(length: number): void {
    const { bytes } = this.#known;
    if (this.#end + length > bytes.length) {
      const larger = Buffer.alloc(Math.max(bytes.length * 2, this.#end + length));
      bytes.copy(larger, 0, 0, this.#end);
      this.#known = byteViewOf(larger);
    }
    const count = this.#values.length;
    if ((count + 1) * 3 <= this.#entries.length) return;
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
    this.#index = new Int32Array(this.#index.length * 2);
    for (let entry = 0; entry < count; entry += 1) this.#place(entry, entries[entry * 3] as number);
  }

  #clear(): void {
    this.#values = [];
    this.#index.fill(0);
    this.#end = 0;
    this.#bytes = 0;
  }
}

function hashOf({ view }: ByteView, start: number, end: number): number {
  let hash = end - start;
  let at = start;
  for (; at + 4 <= end; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  for (; at < end; at += 1) hash = Math.imul(hash ^ view.getUint8(at), 0x85ebca6b);
  hash ^= hash >>> 13;
  return Math.imul(hash, 0xc2b2ae35);
}
