import { InvalidArgumentError } from 'commander';
import { describe, expect, test } from 'vitest';
import { share, wholeNumber } from '../../src/cli/options.ts';

describe('a whole number', () => {
  test.each(['0', '7', '007', '10'])('may be %j within its range', (value) => {
    expect(wholeNumber(0, 10)(value)).toBe(Number(value));
  });

  test.each(['', ' ', '-1', '11', '1.5', '1e1', '0x5', 'ten', ' 5', '٣'])(
    'is refused as %j',
    (v) => {
      expect(() => wholeNumber(0, 10)(v)).toThrow(InvalidArgumentError);
      expect(() => wholeNumber(0, 10)(v)).toThrow('Expected a whole number, 0 to 10.');
    },
  );

  test('has no upper limit by default other than 2^53 - 1', () => {
    expect(wholeNumber(1)('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => wholeNumber(1)('9007199254740992')).toThrow('1 or more');
  });
});

describe('a share', () => {
  test.each(['0', '1', '0.25', '.5', '1e-3'])('may be %j', (value) => {
    expect(share(value)).toBe(Number(value));
  });

  test.each(['', ' ', '-0.1', '1.1', 'half', 'NaN', 'Infinity'])('is refused as %j', (value) => {
    expect(() => share(value)).toThrow(InvalidArgumentError);
  });
});
