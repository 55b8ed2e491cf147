import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pythonRound2 } from '../../src/livekit/python-round.ts';

/** round(value, 2) by whole numbers alone: the double as a fraction, rounded half to even. */
function exactlyRounded(value: number): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, value);
  const raw = bits.getBigUint64(0);
  const biased = Number((raw >> 52n) & 0x7ffn);
  const mantissa = (raw & 0xfffffffffffffn) | (biased === 0 ? 0n : 1n << 52n);
  const exponent = (biased === 0 ? 1 : biased) - 1075;

  const numerator = 100n * mantissa * (exponent > 0 ? 1n << BigInt(exponent) : 1n);
  const denominator = exponent < 0 ? 1n << BigInt(-exponent) : 1n;
  let quotient = numerator / denominator;
  const twiceRest = 2n * (numerator % denominator);
  if (twiceRest > denominator || (twiceRest === denominator && quotient % 2n === 1n))
    quotient += 1n;

  const decimal = `${quotient / 100n}.${String(quotient % 100n).padStart(2, '0')}`;
  return raw >> 63n === 1n ? -Number(decimal) : Number(decimal);
}

describe('pythonRound2', () => {
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
    expect(pythonRound2(value)).toBe(expected);
  });

  test('is the exact rounding, half to even, of any double', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(pythonRound2(value)).toBe(exactlyRounded(value));
      }),
      { numRuns: 5_000 },
    );
  });

  test('is the exact rounding near ties: eighths and doubles next to a half hundredth', () => {
    const eighths = fc.integer({ min: -(2 ** 31), max: 2 ** 31 }).map((n) => n / 8);
    const halfHundredths = fc.integer({ min: -1_000_000, max: 1_000_000 }).map((n) => n / 200);
    const nudged = fc
      .tuple(halfHundredths, fc.constantFrom(1 - 2 ** -53, 1, 1 + 2 ** -52))
      .map(([value, factor]) => value * factor);
    fc.assert(
      fc.property(fc.oneof(eighths, halfHundredths, nudged), (value) => {
        expect(pythonRound2(value)).toBe(exactlyRounded(value));
      }),
      { numRuns: 5_000 },
    );
  });
});
