import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mix32, Random } from '../../src/simulate/random.ts';

describe('Random', () => {
  test('continues as recorded, so that a seed gives the same traffic in every version', () => {
    const random = new Random(42, 0);
    expect([random.uint32(), random.uint32(), random.hex(12)]).toMatchInlineSnapshot(`
      [
        400204743,
        2860209204,
        "00e62749015a",
      ]
    `);
  });

  test('has different streams', () => {
    const firsts = Array.from({ length: 10_000 }, (_, stream) => new Random(1, stream).unit());
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  test('stays within its bounds, and reaches both ends of a range of integers', () => {
    const random = new Random(5, 5);
    const seen = new Set<number>();
    for (let n = 0; n < 2_000; n++) {
      seen.add(random.integer(3, 7));
      expect(random.between(2, 3)).toBeGreaterThanOrEqual(2);
      expect(random.unit()).toBeLessThan(1);
    }
    expect([...seen].sort()).toEqual([3, 4, 5, 6, 7]);
  });

  test('approximates the given probability', () => {
    const random = new Random(9, 1);
    let hits = 0;
    for (let n = 0; n < 20_000; n++) if (random.chance(0.25)) hits += 1;
    expect(hits / 20_000).toBeCloseTo(0.25, 1);
  });

  test('makes ids of the given length', () => {
    const random = new Random(1, 2);
    expect(random.hex(14)).toMatch(/^[0-9a-f]{14}$/);
    expect(random.alphanumeric(29)).toMatch(/^[\w-]{29}$/);
  });
});

test('mix32 never sends two numbers to one', () => {
  const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(word, word, (a, b) => {
      expect(mix32(a) === mix32(b)).toBe(a === b);
    }),
  );
});
