import type { Identity } from '../identify/identity.ts';

/** What a set knows of an event: not in it, in it with the same payload, or with another one. */
export type Membership = 'absent' | 'same' | 'other';

const WORDS = 4;
const INITIAL_SLOTS = 16;

/**
 * Identities with their fingerprints, in 32 to 64 bytes each: open addressing over one typed
 * array. A Map would take three times as much, and the worker keeps a set for every live session.
 *
 * A slot is identity (two words), then fingerprint (two words); an identity of zeros marks a free
 * slot, and the one identity that really is zero (one in 2^64) is stored as 0, 1.
 */
export class IdentitySet {
  #slots = new Uint32Array(INITIAL_SLOTS * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Bytes that the set holds in memory. */
  get bytes(): number {
    return this.#slots.byteLength;
  }

  lookup({ identity: [high, low], fingerprint }: Identity): Membership {
    const at = this.#find(high, low === 0 && high === 0 ? 1 : low);
    if (this.#isFree(at)) return 'absent';
    const slots = this.#slots;
    return slots[at + 2] === fingerprint[0] && slots[at + 3] === fingerprint[1] ? 'same' : 'other';
  }

  /** Adds an identity; one that is there keeps its fingerprint. */
  add({ identity: [high, low], fingerprint: [first, second] }: Identity): void {
    this.#insert(high, low === 0 && high === 0 ? 1 : low, first, second);
  }

  /** Adds all entries of a ledger page: 16 bytes each, big-endian. */
  addPage(page: Buffer): void {
    for (let at = 0; at + 16 <= page.length; at += 16) {
      const high = page.readUInt32BE(at);
      const low = page.readUInt32BE(at + 4);
      const first = page.readUInt32BE(at + 8);
      const second = page.readUInt32BE(at + 12);
      this.#insert(high, low === 0 && high === 0 ? 1 : low, first, second);
    }
  }

  addAll(other: IdentitySet): void {
    const slots = other.#slots;
    for (let at = 0; at < slots.length; at += WORDS) {
      const [high = 0, low = 0, first = 0, second = 0] = slots.subarray(at, at + WORDS);
      if (high !== 0 || low !== 0) this.#insert(high, low, first, second);
    }
  }

  #insert(high: number, low: number, first: number, second: number): void {
    // Half full at most: probes stay short.
    if ((this.#size + 1) * 2 * WORDS > this.#slots.length) this.#grow();
    const at = this.#find(high, low);
    if (!this.#isFree(at)) return;
    this.#slots.set([high, low, first, second], at);
    this.#size += 1;
  }

  /** The slot of an identity, or the free one where it belongs. */
  #find(high: number, low: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let at = (low * WORDS) & mask;
    while (!this.#isFree(at) && (slots[at] !== high || slots[at + 1] !== low)) {
      at = (at + WORDS) & mask;
    }
    return at;
  }

  #isFree(at: number): boolean {
    return this.#slots[at] === 0 && this.#slots[at + 1] === 0;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Uint32Array(old.length * 2);
    this.#size = 0;
    for (let at = 0; at < old.length; at += WORDS) {
      const [high = 0, low = 0, first = 0, second = 0] = old.subarray(at, at + WORDS);
      if (high !== 0 || low !== 0) this.#insert(high, low, first, second);
    }
  }
}
