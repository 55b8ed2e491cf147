import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pythonRound } from '../../src/livekit/python-round.ts';

/** round(value, digits) by whole numbers alone: the double as a fraction, rounded half to even. */
function exactlyRounded(value: number, digits: 2 | 3): number {
  const power = 10n ** BigInt(digits);
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  const exponent = (biased === 0 ? 1 : biased) - 1075;

  const numerator = power * mantissa * (exponent > 0 ? 1n << BigInt(exponent) : 1n);
  const denominator = exponent < 0 ? 1n << BigInt(-exponent) : 1n;
  let quotient = numerator / denominator;
  const twiceRest = 2n * (numerator % denominator);
  if (twiceRest > denominator || (twiceRest === denominator && quotient % 2n === 1n))
    quotient += 1n;

  const decimal = `${quotient / power}.${String(quotient % power).padStart(digits, '0')}`;
  return raw >> 63n === 1n ? -Number(decimal) : Number(decimal);
}

describe('pythonRound', () => {
  const digits = fc.constantFrom(2 as const, 3 as const);

  // Answers of CPython 3.11.
  test.each([
    [0.125, 0.12],
    [0.375, 0.38],
    [0.625, 0.62],
    [0.875, 0.88],
    [-0.125, -0.12],
    [2.675, 2.67],
    [1.005, 1.0],
    [0.285, 0.28],
    [1.115, 1.11],
    [0.005, 0.01],
    [0.015, 0.01],
    [-0.001, -0],
    [-0, -0],
    [0, 0],
    [5e-324, 0],
    [1e21, 1e21],
    [1.7976931348623157e308, 1.7976931348623157e308],
    [1000000000000000.1, 1000000000000000.1],
    [2 ** 40 + 0.625, 1099511627776.62],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ])('%d is %d', (value, expected) => {
    expect(pythonRound(value, 2)).toBe(expected);
  });

  test.each([
    [0.0625, 0.062],
    [0.1875, 0.188],
    [0.3125, 0.312],
    [2.5625, 2.562],
    [-0.8125, -0.812],
    [0.0005, 0.001],
    [-0.0001, -0],
  ])('%d is %d to three decimals', (value, expected) => {
    expect(pythonRound(value, 3)).toBe(expected);
  });

  test('is the exact rounding, half to even, of any double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), digits, (value, places) => {
        expect(pythonRound(value, places)).toBe(exactlyRounded(value, places));
      }),
      { numRuns: 5_000 },
    );
  });

  test('is the exact rounding near ties: sixteenths and doubles next to half a last digit', () => {
    const sixteenths = fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((n) => n / 16);
    const halves = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => n / 2_000);
    const nudged = fc
      .tuple(halves, fc.constantFrom(1 - 2 ** -53, 1, 1 + 2 ** -52))
      .map(([value, factor]) => value * factor);
    fc.assert(
      fc.property(fc.oneof(sixteenths, halves, nudged), digits, (value, places) => {
        expect(pythonRound(value, places)).toBe(exactlyRounded(value, places));
      }),
      { numRuns: 5_000 },
    );
  });
});
