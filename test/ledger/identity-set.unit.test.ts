import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Identity, identityBytes } from '../../src/identify/identity.ts';
import { IdentitySet, type Membership } from '../../src/ledger/identity-set.ts';

const identified = (high: number, low: number, first = 1, second = 2): Identity => ({
  identityHigh: high | 0,
  identityLow: low | 0,
  fingerprintHigh: first | 0,
  fingerprintLow: second | 0,
});

/** The same as a Map. The one identity of zeros is kept as 0, 1: 1 in 2^64 shares it. */
class Model {
  readonly #entries = new Map<string, string>();

  get size(): number {
    return this.#entries.size;
  }

  add(event: Identity): void {
    const { key, payload } = Model.#partsOf(event);
    if (!this.#entries.has(key)) this.#entries.set(key, payload);
  }

  lookup(event: Identity): Membership {
    const { key, payload } = Model.#partsOf(event);
    const known = this.#entries.get(key);
    if (known === undefined) return 'absent';
    return known === payload ? 'same' : 'other';
  }

  static #partsOf(event: Identity): { key: string; payload: string } {
    const [high, low, first, second] = Object.values(event) as number[];
    return { key: `${high},${low}`.replace(/^0,0$/, '0,1'), payload: `${first},${second}` };
  }
}

test('a set that is cleared is empty, however large it was', () => {
  const set = new IdentitySet();
  for (const count of [10, 5_000, 300, 1]) {
    const events = Array.from({ length: count }, (_, i) => identified(i, count));
    set.addAll(events);
    expect(set.size).toBe(count);
    expect(events.every((event) => set.lookup(event) === 'same')).toBe(true);
    set.clear();
    expect(set.size).toBe(0);
    expect(events.every((event) => set.lookup(event) === 'absent')).toBe(true);
    expect(set.bytes).toBeLessThanOrEqual(4_096);
  }
});

const page = (identities: readonly Identity[]) => Buffer.concat(identities.map(identityBytes));

// Few values, so that cells and identities collide; and the ends of the range.
const word = fc.oneof(
  fc.integer({ min: 0, max: 3 }),
  fc.constantFrom(16, 32, 0x4000_0000, 0x8000_0000, 0xffff_ffff),
  fc.integer({ min: 0, max: 0xffff_ffff }),
);
const anIdentity = fc
  .tuple(word, word, word, fc.integer({ min: 0, max: 1 }))
  .map(([high, low, first, second]) => identified(high, low, first, second));
const identities = fc.array(anIdentity, { maxLength: 200 });

describe('a set of identities', () => {
  test('is as a map from identity to fingerprint, where the first stays', () => {
    fc.assert(
      fc.property(identities, identities, (added, asked) => {
        const set = new IdentitySet();
        const model = new Model();
        for (const identity of added) {
          expect(set.lookup(identity)).toBe(model.lookup(identity));
          set.add(identity);
          model.add(identity);
        }
        for (const identity of [...added, ...asked]) {
          expect(set.lookup(identity)).toBe(model.lookup(identity));
        }
        expect(set.size).toBe(model.size);
      }),
    );
  });

  test('is the same when it is filled from pages', () => {
    fc.assert(
      fc.property(identities, identities, (some, more) => {
        const model = new Model();
        for (const identity of [...some, ...more]) model.add(identity);
        const set = new IdentitySet();
        set.addPage(page(some));
        set.addPage(page(more));
        for (const identity of [...some, ...more]) {
          expect(set.lookup(identity)).toBe(model.lookup(identity));
        }
        expect(set.size).toBe(model.size);
      }),
    );
  });
});

test('the identity of zeros can be in it, and a free cell is not taken for it', () => {
  const set = new IdentitySet();
  expect(set.lookup(identified(0, 0, 0, 0))).toBe('absent');
  set.add(identified(0, 0, 0, 0));
  expect(set.lookup(identified(0, 0, 0, 0))).toBe('same');
  expect(set.lookup(identified(0, 0, 0, 9))).toBe('other');
  expect(set.size).toBe(1);
  const fromPage = new IdentitySet();
  fromPage.addPage(page([identified(0, 0, 7, 8)]));
  expect(fromPage.lookup(identified(0, 0, 7, 8))).toBe('same');
});

test('it holds 100,000 identities in 43 bytes each or less', () => {
  const set = new IdentitySet();
  for (let i = 0; i < 100_000; i += 1) set.add(identified(i, Math.imul(i, 2_654_435_761) >>> 0));
  expect(set.size).toBe(100_000);
  expect(set.bytes / set.size).toBeLessThanOrEqual(43);
});

test('identities that all belong into the same cell are kept apart', () => {
  const set = new IdentitySet();
  const crowd = Array.from({ length: 500 }, (_, i) => identified(i + 1, 0x1000_0000, i, i));
  for (const identity of crowd) set.add(identity);
  expect(crowd.every((identity) => set.lookup(identity) === 'same')).toBe(true);
  expect(set.lookup(identified(501, 0x1000_0000))).toBe('absent');
});
