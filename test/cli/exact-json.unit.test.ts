import { expect, test } from 'vitest';
import { parseExactly } from '../../src/cli/exact-json.ts';

// They went through doubles: 9007199254740993 was printed as 9007199254740992.
test('an integer above 2^53 in a payload keeps its digits', () => {
  expect(
    parseExactly(
      '{"a": 9007199254740993, "b": -9007199254740993, "c": 7, "d": 0.25, "e": "9007199254740993 \\" 1", "f": [null, 9223372036854775807]}',
    ),
  ).toEqual({
    a: '9007199254740993',
    b: '-9007199254740993',
    c: 7,
    d: 0.25,
    e: '9007199254740993 " 1',
    f: [null, '9223372036854775807'],
  });
});
