import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Decimal } from '../../src/postgres/decimal.ts';

const sumOf = (values: readonly number[]) => {
  const sum = new Decimal();
  for (const value of values) sum.add(value);
  return sum.toString();
};

/** Every finite double is a whole multiple of 10^-1100 in its shortest form. */
const SCALE = 1_100;

/** The same, another way: digits shifted as text, all at one scale. */
function reference(values: readonly number[]): bigint {
  return values.reduce((sum, value) => sum + unitsOf(value.toExponential()), 0n);
}

/** `-1.25e+3` in units of 10^-SCALE. `toExponential()` gives as many digits as necessary. */
function unitsOf(text: string): bigint {
  const [mantissa = '', exponent = ''] = text.split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const zeros = SCALE + Number(exponent) - fraction.length;
  return BigInt(`${whole}${fraction}${'0'.repeat(zeros)}`);
}

/** Plain notation in units of 10^-SCALE. */
function plainUnits(text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(`${whole}${fraction.padEnd(SCALE, '0')}`);
}

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
const plausible = fc.double({ min: 0, max: 100_000, noNaN: true });
/** As an emitter rounds them: a whole number of some decimal fraction of a second. */
const rounded = fc
  .tuple(fc.nat(10_000_000), fc.integer({ min: 0, max: 12 }))
  .map(([units, digits]) => units / 10 ** digits);
const values = fc.array(
  fc.oneof(finite, plausible, rounded, fc.constantFrom(0.1, 0.2, 1e21, 5e-324)),
);

describe('a sum of decimals', () => {
  test('is exactly the sum of the shortest decimal forms', () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(plainUnits(sumOf(list))).toBe(reference(list));
      }),
    );
  });

  test('is the same to the last digit in every order and grouping', () => {
    const shuffled = values.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length, maxLength: list.length }),
        fc.nat(list.length),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, other, cut]) => {
        expect(sumOf(other)).toBe(sumOf(list));
        const halves = new Decimal();
        halves.addText(sumOf(list.slice(0, cut)));
        halves.addText(sumOf(list.slice(cut)));
        expect(halves.toString()).toBe(sumOf(list));
      }),
    );
  });

  test('is in plain notation, without zeros at the end or in front', () => {
    fc.assert(
      fc.property(values, (list) => {
        expect(sumOf(list)).toMatch(/^(?:0|-?(?:[1-9]\d*|0)(?:\.\d*[1-9])?)$/);
      }),
    );
  });

  test('is given to Postgres in digits of 10,000, without zeros at either end', () => {
    fc.assert(
      fc.property(values, (list) => {
        const sum = new Decimal();
        for (const value of list) sum.add(value);
        const { isNegative, digits, weight, scale } = sum.parts();
        // In units of the last place of any double.
        const units = digits.reduce((rest, digit, i) => {
          return rest + BigInt(digit) * 10n ** BigInt(4 * (weight - i) + SCALE);
        }, 0n);
        expect(isNegative ? -units : units).toBe(reference(list));
        expect(digits.every((digit) => digit >= 0 && digit < 10_000)).toBe(true);
        expect([digits.at(0), digits.at(-1)]).not.toContain(0);
        expect(scale).toBe(sum.toString().split('.')[1]?.length ?? 0);
      }),
    );
  });

  test('may be added to after it was read', () => {
    fc.assert(
      fc.property(values, values, (before, after) => {
        const sum = new Decimal();
        for (const value of before) sum.add(value);
        sum.parts();
        for (const value of after) sum.add(value);
        expect(sum.toString()).toBe(sumOf([...before, ...after]));
      }),
    );
  });

  test.each([
    [[], '0'],
    [[0, -0], '0'],
    [[0.1, 0.2], '0.3'],
    [[0.5, 0.5], '1'],
    [[12.5, 87.5], '100'],
    [[1_200, 0.0001], '1200.0001'],
    [[1e21], '1000000000000000000000'],
    [[1e21, 1e-7], '1000000000000000000000.0000001'],
    [[1.5e300], `15${'0'.repeat(299)}`],
    [[5e-324], `0.${'0'.repeat(323)}5`],
    [[5e-324, 5e-324], `0.${'0'.repeat(322)}1`],
    [[1.7976931348623157e308], `17976931348623157${'0'.repeat(292)}`],
    [[1.7976931348623157e308, 5e-324], `17976931348623157${'0'.repeat(292)}.${'0'.repeat(323)}5`],
    [[2 ** 52, 2 ** 52, 0.5, 0.5], '9007199254740993'],
    [[2 ** 53 - 1, 0.999999999, 1e-9], '9007199254740992'],
    [[0.999999999999999, 0.000000000000001], '1'],
    [[-0.5], '-0.5'],
    [[-12.25, 12], '-0.25'],
    [[0.125, -0.125], '0'],
    [[-1e21, 1], '-999999999999999999999'],
  ])('of %j is %s', (list, expected) => {
    expect(sumOf(list)).toBe(expected);
  });

  test.each([
    ['-12.50', '-12.5'],
    ['0.000', '0'],
    ['-0.5', '-0.5'],
    ['1000', '1000'],
  ])('takes %s as Postgres prints it', (text, expected) => {
    const sum = new Decimal();
    sum.addText(text);
    expect(sum.toString()).toBe(expected);
  });

  test('has no part that is no number', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(() => new Decimal().add(value)).toThrow(RangeError);
    }
    for (const text of ['NaN', '1,5', '1.2.3', ' 1']) {
      expect(() => new Decimal().addText(text)).toThrow(RangeError);
    }
  });

  test('does not drift, however many there are', () => {
    expect(sumOf(new Array(10_000).fill(0.1))).toBe('1000');
  });
});
