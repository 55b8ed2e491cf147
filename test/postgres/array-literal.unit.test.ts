import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { numberArray, textArray } from '../../src/postgres/array-literal.ts';

/** Reads an array literal by the rules of the Postgres manual, section 8.15.6. */
function parse(literal: string): (string | null)[] {
  expect(literal.at(0)).toBe('{');
  expect(literal.at(-1)).toBe('}');
  const elements: (string | null)[] = [];
  let at = 1;
  while (literal[at] !== '}') {
    if (literal[at] === ',') at += 1;
    if (literal[at] === '"') {
      let text = '';
      for (at += 1; literal[at] !== '"'; at += 1) {
        if (literal[at] === '\\') at += 1;
        text += literal[at];
      }
      at += 1;
      elements.push(text);
    } else {
      const bare = /[^,}]*/y;
      bare.lastIndex = at;
      const [word = ''] = bare.exec(literal) ?? [];
      at += word.length;
      elements.push(word === 'NULL' ? null : word);
    }
  }
  expect(at).toBe(literal.length - 1);
  return elements;
}

describe('an array of texts', () => {
  test.each([
    [[], '{}'],
    [[''], '{""}'],
    [[null], '{NULL}'],
    [['NULL', null, 'null'], '{"NULL",NULL,"null"}'],
    [['say "hi"'], String.raw`{"say \"hi\""}`],
    [['back\\slash', '\\"'], String.raw`{"back\\slash","\\\""}`],
    [['{a,b}', ' a ', '\n'], '{"{a,b}"," a ","\n"}'],
  ])('of %j is %s', (texts, expected) => {
    expect(textArray(texts)).toBe(expected);
  });

  test('is read as what it was written from', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ unit: fc.constantFrom('"', '\\', ',', '{', '}', ' ', 'N', '\n') }),
    );
    fc.assert(
      fc.property(fc.array(fc.option(text)), (texts) => {
        expect(parse(textArray(texts))).toEqual(texts);
      }),
    );
  });

  test('may hold arrays', () => {
    const inner = [textArray(['a"b', null]), textArray([])];
    expect(parse(textArray(inner)).map((text) => parse(text ?? ''))).toEqual([['a"b', null], []]);
  });
});

test('an array of numbers keeps every digit', () => {
  const numbers = [0, -0, -1, 1.5, Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, 1e21, 5e-324, '0.10'];
  expect(numberArray([...numbers, null])).toBe(
    '{0,0,-1,1.5,9007199254740991,9223372036854775807,1e+21,5e-324,0.10,NULL}',
  );
  expect(numberArray([])).toBe('{}');
});
