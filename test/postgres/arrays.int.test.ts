import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  byteaArray,
  int4Array,
  int8Array,
  numericArray,
  textArray,
} from '../../src/postgres/arrays.ts';
import { Decimal } from '../../src/postgres/decimal.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

/** The array as Postgres reads it, its elements as texts. */
async function read(type: string, array: Buffer): Promise<(string | null)[]> {
  const { rows } = await world.database.query(`SELECT $1::${type}[]::text[] AS back`, [array]);
  return rows[0].back;
}

describe('Postgres reads what was written', () => {
  test.each([
    [[]],
    [['']],
    [['NULL', null, 'null']],
    [['say "hi"', 'back\\slash', '\\"', '{a,b}', ' a ', '\n']],
    [['€'.repeat(50_000), '👋🏽']],
  ])('in an array of texts: %j', async (texts) => {
    expect(await read('text', textArray(texts))).toEqual(texts);
  });

  test('in arrays of any texts', async () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    for (const texts of fc.sample(fc.array(fc.option(text)), 50)) {
      expect(await read('text', textArray(texts))).toEqual(texts);
    }
  });

  test('in arrays of whole numbers, at the ends of their ranges', async () => {
    const fours = [0, -1, 2_147_483_647, -2_147_483_648, null];
    expect(await read('integer', int4Array(fours))).toEqual(
      fours.map((n) => (n === null ? null : String(n))),
    );
    const eights = [0, -1, Number.MAX_SAFE_INTEGER, 2n ** 63n - 1n, '-9223372036854775808', null];
    const texts = eights.map((n) => (n === null ? null : String(n)));
    expect(await read('bigint', int8Array(eights))).toEqual(texts);
  });

  test('in an array of decimals', async () => {
    const decimals = [
      new Decimal(),
      new Decimal().addText('-12.5'),
      new Decimal().add(5e-324),
      null,
    ];
    const texts = decimals.map((value) => value && String(value));
    expect(await read('numeric', numericArray(decimals))).toEqual(texts);
  });

  test('in an array of bytes', async () => {
    const bytes = [Buffer.from([0, 0x22, 0x5c, 0xff]), Buffer.alloc(0), null, Buffer.alloc(1e5, 1)];
    for (const given of [bytes, bytes.slice(0, 2), []]) {
      const { rows } = await world.database.query('SELECT $1::bytea[] AS back', [
        byteaArray(given),
      ]);
      expect(rows).toEqual([{ back: given }]);
    }
  });
});

test('a number that an element cannot hold exactly is refused, not changed', () => {
  for (const value of [1.5, Number.NaN, 2 ** 53, 2n ** 63n, '9223372036854775808']) {
    expect(() => int8Array([value]), String(value)).toThrow(RangeError);
  }
  expect(() => int4Array([2 ** 31])).toThrow(RangeError);
});
