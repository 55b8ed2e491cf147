import { describe, expect, test } from 'vitest';
import { identify } from '../../src/identify/identity.ts';
import { IdentitySet } from '../../src/ledger/identity-set.ts';
import { SessionCache, type SessionState } from '../../src/ledger/session-cache.ts';
import { llm } from '../identify/samples.ts';

/** What a session with up to eight identities and an id of one character counts for. */
const ENTRY = 400 + 256 + 2;

const eventsOf = (...ids: string[]) => ids.map((request_id) => identify(llm({ request_id })));

function identitiesOf(...ids: string[]): IdentitySet {
  const set = new IdentitySet();
  for (const identity of eventsOf(...ids)) set.add(identity);
  return set;
}

const state = (fields: Partial<SessionState> = {}): SessionState => ({
  revision: 1n,
  period: '2026-01-01',
  accountId: null,
  attributes: new Set(),
  firstUs: 10,
  lastUs: 20,
  lastOffset: 5,
  identities: new IdentitySet(),
  ...fields,
});

const ids = (count: number) => Array.from({ length: count }, (_, i) => `id-${i}`);
const many = (count: number) => identitiesOf(...ids(count));

/** What a transaction committed: so many events under the second revision. */
const committed = (count: number) => [state({ revision: 2n }), eventsOf(...ids(count))] as const;

describe('the limit', () => {
  test('evicts the least recently used sessions', () => {
    const cache = new SessionCache(3 * ENTRY);
    for (const id of ['a', 'b', 'c']) cache.set(id, state());
    cache.get('a');
    cache.set('d', state());
    expect(['a', 'b', 'c', 'd'].filter((id) => cache.get(id))).toEqual(['a', 'c', 'd']);
  });

  test('counts the memory of identities', () => {
    const cache = new SessionCache(3 * ENTRY);
    cache.set('a', state());
    cache.set('b', state());
    cache.set('large', state({ identities: many(16) }));
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('large')).toBeDefined();
  });

  test('counts the names of attributes, and the ids', () => {
    const cache = new SessionCache(15 * ENTRY);
    cache.set('a', state());
    cache.set('b', state({ attributes: new Set(ids(100)) }));
    expect(cache.get('a')).toBeUndefined();
    cache.set('c'.repeat(4_000), state());
    expect(cache.get('b')).toBeUndefined();
    cache.set('d', state({ accountId: 'd'.repeat(4_000) }));
    expect(cache.get('c'.repeat(4_000))).toBeUndefined();
  });

  test('keeps the newest session, however large it is', () => {
    const cache = new SessionCache(1);
    cache.set('a', state());
    cache.set('large', state({ identities: many(1_000) }));
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('large')?.identities.size).toBe(1_000);
  });

  test('does not count a session twice that is set again, nor one that was deleted', () => {
    const cache = new SessionCache(2 * ENTRY);
    cache.set('a', state());
    for (let i = 0; i < 10; i += 1) cache.set('b', state());
    expect(cache.get('a')).toBeDefined();
    cache.delete('b');
    cache.delete('b');
    cache.set('c', state());
    expect(cache.get('a')).toBeDefined();
    expect(cache.get('c')).toBeDefined();
  });

  test('holds when a session grows by what was committed', () => {
    const cache = new SessionCache(2 * ENTRY);
    const base = state();
    cache.set('a', state());
    cache.set('b', base);
    cache.advance('b', base, ...committed(100));
    expect(cache.get('a')).toBeUndefined();
    expect(cache.get('b')?.identities.size).toBe(100);
    // What it grew by was counted: below the limit again once it is deleted.
    cache.delete('b');
    cache.set('c', state());
    cache.set('d', state());
    expect(cache.get('c')).toBeDefined();
  });
});

describe('advancing', () => {
  test('adds what was committed to the state that it was based on', () => {
    const cache = new SessionCache(1_000_000);
    const base = state({ identities: identitiesOf('one') });
    cache.set('a', base);
    const after = {
      revision: 2n,
      accountId: 'acme',
      attributes: new Set(['room']),
      firstUs: 5,
      lastUs: 30,
      lastOffset: 6,
    };
    cache.advance('a', base, after, eventsOf('two'));
    expect(cache.get('a')).toMatchObject({
      revision: 2n,
      period: '2026-01-01',
      accountId: 'acme',
      attributes: new Set(['room']),
      firstUs: 5,
      lastUs: 30,
      lastOffset: 6,
    });
    for (const request_id of ['one', 'two']) {
      expect(cache.get('a')?.identities.lookup(identify(llm({ request_id })))).toBe('same');
    }
  });

  test('deletes the session when its state was replaced meanwhile', () => {
    const cache = new SessionCache(1_000_000);
    const base = state();
    cache.set('a', base);
    cache.set('a', state({ revision: 7n }));
    cache.advance('a', base, ...committed(1));
    expect(cache.get('a')).toBeUndefined();
    expect(base.identities.size).toBe(0);
  });

  test('does nothing for a session that was evicted', () => {
    const cache = new SessionCache(1_000_000);
    cache.advance('a', state(), ...committed(1));
    expect(cache.get('a')).toBeUndefined();
  });
});
