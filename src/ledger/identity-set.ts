import type { Identity } from '../identify/identity.ts';

/** Whether an identity is in a set, and if it is, whether with the same fingerprint. */
export type Membership = 'absent' | 'same' | 'other';

const WORDS = 4;
const INITIAL_CELLS = 16;
/** A larger table is not kept by `clear`, which fills it with zeros. */
const KEPT_CELLS = 256;

/**
 * A hash table of identities with their fingerprints, in 21 to 43 bytes each: open addressing in one
 * typed array. A Map would take three times as much, and the worker keeps a set for each live session.
 *
 * A cell is the identity (two words), then the fingerprint (two words). An identity of zeros marks a
 * free cell; the one identity that is zero (one in 2^64) is stored as 0, 1.
 */
export class IdentitySet {
  #cells = new Int32Array(INITIAL_CELLS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Memory of the table, in bytes. */
  get bytes(): number {
    return this.#cells.byteLength;
  }

  lookup(event: Identity): Membership {
    const { identityHigh: high, identityLow: low } = event;
    const at = this.#find(high, low === 0 && high === 0 ? 1 : low);
    if (this.#isFree(at)) return 'absent';
    const cells = this.#cells;
    const isSame =
      cells[at + 2] === event.fingerprintHigh && cells[at + 3] === event.fingerprintLow;
    return isSame ? 'same' : 'other';
  }

  /** Adds an identity; one that is in the set keeps its fingerprint. */
  add(event: Identity): void {
    const { identityHigh: high, identityLow: low } = event;
    const { fingerprintHigh, fingerprintLow } = event;
    this.#insert(high, low === 0 && high === 0 ? 1 : low, fingerprintHigh, fingerprintLow);
  }

  addAll(events: readonly Identity[]): void {
    this.#reserve(events.length);
    for (const event of events) this.add(event);
  }

  /** Removes all identities; a small table is kept for reuse. */
  clear(): void {
    this.#size = 0;
    if (this.#cells.length > KEPT_CELLS * WORDS) this.#cells = new Int32Array(KEPT_CELLS * WORDS);
    else this.#cells.fill(0);
  }

  /** Adds all entries of a ledger page: 16 bytes each, big-endian. */
  addPage(page: Buffer): void {
    this.#reserve(page.length >> 4);
    for (let at = 0; at + 16 <= page.length; at += 16) {
      const high = page.readInt32BE(at);
      const low = page.readInt32BE(at + 4);
      const first = page.readInt32BE(at + 8);
      const second = page.readInt32BE(at + 12);
      this.#insert(high, low === 0 && high === 0 ? 1 : low, first, second);
    }
  }

  #insert(high: number, low: number, first: number, second: number): void {
    this.#reserve(1);
    const at = this.#find(high, low);
    if (!this.#isFree(at)) return;
    this.#put(at, high, low, first, second);
    this.#size += 1;
  }

  #put(at: number, high: number, low: number, first: number, second: number): void {
    const cells = this.#cells;
    cells[at] = high;
    cells[at + 1] = low;
    cells[at + 2] = first;
    cells[at + 3] = second;
  }

  /** The cell of an identity, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const cells = this.#cells;
    const mask = cells.length - 1;
    let at = (low * WORDS) & mask;
    while ((cells[at] !== high || cells[at + 1] !== low) && !this.#isFree(at)) {
      at = (at + WORDS) & mask;
    }
    return at;
  }

  #isFree(at: number): boolean {
    return this.#cells[at] === 0 && this.#cells[at + 1] === 0;
  }

  /** At most three quarters of the cells are used, so that probes stay short. */
  #reserve(more: number): void {
    const needed = ((this.#size + more) * WORDS * 4) / 3;
    const old = this.#cells;
    if (needed <= old.length) return;
    let length = old.length * 2;
    while (length < needed) length *= 2;
    this.#cells = new Int32Array(length);
    for (let at = 0; at < old.length; at += WORDS) {
      const high = old[at] as number;
      const low = old[at + 1] as number;
      if (high === 0 && low === 0) continue;
      this.#put(this.#find(high, low), high, low, old[at + 2] as number, old[at + 3] as number);
    }
  }
}
