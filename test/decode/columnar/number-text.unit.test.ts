import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeNumber } from '../../../src/decode/columnar/number-text.ts';

const bytes = Buffer.alloc(64);

function written(value: number): string {
  return bytes.toString('latin1', 3, writeNumber(bytes, 3, value));
}

const RUNS = { numRuns: 20_000 };

test.each([
  0,
  -0,
  9,
  10,
  -1,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 53,
  1e21,
  0.1,
  1e-7,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  2 ** 30 + 2 ** -22,
  2 ** 31 - 2 ** -22,
  1_760_000_003.699249,
  // Two decimals of seven digits are as near to it.
  1_760_000_003 + 2 ** -8,
])('%d is written as in JSON', (value) => {
  expect(written(value)).toBe(String(value));
});

test('any number is written as String writes it', () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      expect(written(value)).toBe(String(value));
    }),
    RUNS,
  );
});

test('whole numbers are', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (value) => {
      expect(written(value)).toBe(String(value));
    }),
    RUNS,
  );
});

test('times are, to the last bit and to any number of digits', () => {
  const whole = fc.integer({ min: 2 ** 30, max: 2 ** 31 });
  const bits = fc.integer({ min: 0, max: 2 ** 22 - 1 });
  const digits = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(whole, bits, digits, (seconds, units, places) => {
      const exact = seconds + units / 2 ** 22;
      expect(written(exact)).toBe(String(exact));
      const rounded = Number(exact.toFixed(places));
      expect(written(rounded)).toBe(String(rounded));
    }),
    RUNS,
  );
  // The fractions between which decimals lie halfway, too.
  for (let units = 0; units < 2 ** 22; units += 2 ** 12) {
    const value = 1_760_000_003 + units / 2 ** 22;
    expect(written(value)).toBe(String(value));
  }
});
