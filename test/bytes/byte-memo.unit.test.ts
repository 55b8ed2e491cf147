import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ByteMemo } from '../../src/bytes/byte-memo.ts';
import { byteViewOf } from '../../src/bytes/byte-view.ts';

const LIMITS = { maxEntries: 1_000, maxBytes: 100_000 };

/** A memo of texts, and what it had to make. */
function memoOfTexts(limits = LIMITS) {
  const made: string[] = [];
  const memo = new ByteMemo(({ bytes }, start, end) => {
    const text = bytes.toString('latin1', start, end);
    made.push(text);
    return { text };
  }, limits);
  /** The bytes lie between others, and each time elsewhere. */
  const get = (text: string, at = 0) => {
    const memory = byteViewOf(Buffer.from(`${'.'.repeat(at)}${text}...`, 'latin1'));
    return memo.get(memory, at, at + text.length);
  };
  return { made, get };
}

describe('a memo by bytes', () => {
  test('makes a value once, wherever the bytes lie', () => {
    const { made, get } = memoOfTexts();
    const first = get('session', 3);
    expect(get('session', 8)).toBe(first);
    expect(get('sessioo', 1)).not.toBe(first);
    expect(get('sess', 1)).not.toBe(first);
    expect(made).toEqual(['session', 'sessioo', 'sess']);
  });

  test('never takes some bytes for others', () => {
    const texts = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', '\0'), maxLength: 12 }));
    fc.assert(
      fc.property(texts, (some) => {
        const { get } = memoOfTexts();
        for (const text of [...some, ...some]) expect(get(text)).toEqual({ text });
      }),
    );
  });

  test('distinguishes thousands of them, through every growth and every clearing', () => {
    const { made, get } = memoOfTexts();
    for (let i = 0; i < 5_000; i += 1)
      expect(get(`session ${i}`)).toEqual({ text: `session ${i}` });
    expect(made).toHaveLength(5_000);
    // The last ones are cached; the first ones were cleared when it was full.
    get('session 4999');
    expect(made).toHaveLength(5_000);
    get('session 0');
    expect(made).toHaveLength(5_001);
  });

  test('holds no more bytes than it may', () => {
    const { made, get } = memoOfTexts({ maxEntries: 1_000, maxBytes: 1_600 });
    const long = (name: string) => name.repeat(90);
    for (const name of 'abcdefghijklmnopqrstu') get(long(name));
    get(long('u'));
    get(long('a'));
    expect(made.map(([name]) => name).join('')).toBe('abcdefghijklmnopqrstua');
    // What alone would fill much of it is made each time.
    const huge = 'x'.repeat(101);
    get(huge);
    get(huge);
    expect(made.filter((text) => text === huge)).toHaveLength(2);
  });
});

test('what was made of few bytes and takes many counts as many', () => {
  const limits = { maxEntries: 1_000, maxBytes: 16_000 };
  let made = 0;
  const make = () => {
    made += 1;
    return made;
  };
  const memo = new ByteMemo(make, limits, () => 900);
  const get = (text: string) => memo.get(byteViewOf(Buffer.from(`${text}...`)), 0, text.length);
  for (let i = 0; i < 20; i += 1) get(`session ${i}`);
  expect(get('session 19')).toBe(20);
  expect(get('session 0')).toBe(21);
});
