import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decimalOf, minorDigits, roundHalfEven } from '../../src/invoice/minor-units.ts';

test.each([
  ['0.004999', 2, '0.00'],
  ['0.005', 2, '0.00'],
  ['0.00500000000000000000000000000001', 2, '0.01'],
  ['0.015', 2, '0.02'],
  ['0.025', 2, '0.02'],
  ['-0.025', 2, '-0.02'],
  ['-0.035', 2, '-0.04'],
  ['-0.001', 2, '0.00'],
  ['1234567890123456789.995', 2, '1234567890123456790.00'],
  ['2.5', 0, '2'],
  ['3.5', 0, '4'],
  ['12', 3, '12.000'],
])('%s to %i digits is %s', (text, digits, expected) => {
  expect(decimalOf(roundHalfEven(text, digits), digits)).toBe(expected);
});

test('a rounded decimal is at most half a unit away, and even at exactly half', () => {
  const digits = fc.integer({ min: 0, max: 4 });
  fc.assert(
    fc.property(fc.bigInt(-(10n ** 30n), 10n ** 30n), digits, (units, kept) => {
      const scale = kept + 6;
      const rounded = roundHalfEven(decimalOf(units, scale), kept);
      const twice = 2n * (rounded * 10n ** 6n - units);
      expect(twice <= 10n ** 6n && twice >= -(10n ** 6n)).toBe(true);
      if (twice === 10n ** 6n || twice === -(10n ** 6n)) expect(rounded % 2n).toBe(0n);
    }),
  );
});

test('what is no decimal is refused', () => {
  for (const text of ['', 'NaN', '1e5', 'Infinity', '1.', '.5']) {
    expect(() => roundHalfEven(text, 2)).toThrow(RangeError);
  }
});

test('currencies have the digits of ISO 4217', () => {
  expect(['USD', 'JPY', 'KWD', 'XTS'].map(minorDigits)).toEqual([2, 0, 3, 2]);
});
