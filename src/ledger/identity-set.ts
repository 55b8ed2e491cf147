import type { Identity } from '../identify/identity.ts';

/** What a set knows of an event: not in it, in it with the same payload, or with another one. */
export type Membership = 'absent' | 'same' | 'other';

const WORDS = 4;
const INITIAL_SLOTS = 16;
/** What is cleared costs as much as it is large. */
const KEPT_SLOTS = 256;

/**
 * Identities with their fingerprints, in 21 to 43 bytes each: open addressing over one typed
 * array. A Map would take three times as much, and the worker keeps a set for every live session.
 *
 * A slot is identity (two words), then fingerprint (two words); an identity of zeros marks a free
 * slot, and the one identity that really is zero (one in 2^64) is stored as 0, 1.
 */
export class IdentitySet {
  #slots = new Int32Array(INITIAL_SLOTS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes that the set holds in memory. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  lookup(event: Identity): Membership {
    const { identityHigh: high, identityLow: low } = event;
    const at = this.#find(high, low === 0 && high === 0 ? 1 : low);
    if (this.#isFree(at)) return 'absent';
    const slots = this.#slots;
    const isSame =
      slots[at + 2] === event.fingerprintHigh && slots[at + 3] === event.fingerprintLow;
    return isSame ? 'same' : 'other';
  }

  /** Adds an identity; one that is there keeps its fingerprint. */
  add(event: Identity): void {
    const { identityHigh: high, identityLow: low } = event;
    const { fingerprintHigh, fingerprintLow } = event;
    this.#insert(high, low === 0 && high === 0 ? 1 : low, fingerprintHigh, fingerprintLow);
  }

  addAll(events: readonly Identity[]): void {
    this.#makeRoomFor(events.length);
    for (const event of events) this.add(event);
  }

  /** Forgets all, and keeps what memory a set that is used again needs. */
  clear(): void {
    this.#size = 0;
    if (this.#slots.length > KEPT_SLOTS * WORDS) this.#slots = new Int32Array(KEPT_SLOTS * WORDS);
    else this.#slots.fill(0);
  }

  /** Adds all entries of a ledger page: 16 bytes each, big-endian. */
  addPage(page: Buffer): void {
    this.#makeRoomFor(page.length >> 4);
    for (let at = 0; at + 16 <= page.length; at += 16) {
      const high = page.readInt32BE(at);
      const low = page.readInt32BE(at + 4);
      const first = page.readInt32BE(at + 8);
      const second = page.readInt32BE(at + 12);
      this.#insert(high, low === 0 && high === 0 ? 1 : low, first, second);
    }
  }

  #insert(high: number, low: number, first: number, second: number): void {
    this.#makeRoomFor(1);
    const at = this.#find(high, low);
    if (!this.#isFree(at)) return;
    this.#put(at, high, low, first, second);
    this.#size += 1;
  }

  #put(at: number, high: number, low: number, first: number, second: number): void {
    const slots = this.#slots;
    slots[at] = high;
    slots[at + 1] = low;
    slots[at + 2] = first;
    slots[at + 3] = second;
  }

  /** The slot of an identity, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (low * WORDS) & mask;
    while ((slots[at] !== high || slots[at + 1] !== low) && !this.#isFree(at)) {
      at = (at + WORDS) & mask;
    }
    return at;
  }

  #isFree(at: number): boolean {
    return this.#slots[at] === 0 && this.#slots[at + 1] === 0;
  }

  /** Three quarters full at most: probes stay short. */
  #makeRoomFor(more: number): void {
    const needed = ((this.#size + more) * WORDS * 4) / 3;
    const old = this.#slots;
    if (needed <= old.length) return;
    let length = old.length * 2;
    while (length < needed) length *= 2;
    this.#slots = new Int32Array(length);
    for (let at = 0; at < old.length; at += WORDS) {
      const high = old[at] as number;
      const low = old[at + 1] as number;
      if (high === 0 && low === 0) continue;
      this.#put(this.#find(high, low), high, low, old[at + 2] as number, old[at + 3] as number);
    }
  }
}
