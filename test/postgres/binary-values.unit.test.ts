import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BinaryValues, OID } from '../../src/postgres/binary-values.ts';
import { Decimal } from '../../src/postgres/decimal.ts';

function encoded(value: number | Decimal): Buffer {
  const values = new BinaryValues(64);
  return values.array(OID.numeric, 1, () => values.numeric(value));
}

/** As emitters round seconds: a whole number of some decimal fraction. */
const rounded = fc
  .tuple(fc.nat(2_000_000_000), fc.integer({ min: 0, max: 12 }))
  .map(([units, digits]) => units / 10 ** digits);
const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const borders = fc.constantFrom(0, 1e-8, 0.0001, 1, 9_999, 10_000, 9_999_999.999_999_99, 1e7, 1e21);

test('a number is written as the decimal of its shortest form', () => {
  fc.assert(
    fc.property(fc.oneof(rounded, finite, borders), (value) => {
      expect(encoded(value).equals(encoded(new Decimal().add(value)))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  '%s is refused as a numeric',
  (value) => {
    expect(() => encoded(value)).toThrow(RangeError);
  },
);
