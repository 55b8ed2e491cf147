import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { BinaryRows } from '../../src/postgres/binary-rows.ts';
import { OID } from '../../src/postgres/binary-values.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
let rowOid: number;
beforeAll(async () => {
  world = await newLedgerWorld();
  await world.database.query(`
    CREATE TYPE sample AS (flag boolean, small smallint, whole integer, large bigint, day date,
      name text, raw bytea, amount numeric, amounts numeric[], names text[])`);
  const { rows } = await world.database.query(`SELECT 'sample'::regtype::oid::int AS oid`);
  rowOid = rows[0].oid;
});
afterAll(async () => {
  await world.close();
});

/** What Postgres reads, as text. */
async function read(rows: BinaryRows, columns: string) {
  const result = await world.database.query(
    `SELECT ${columns} FROM unnest($1::sample[]) WITH ORDINALITY ORDER BY ordinality`,
    [rows.finish()],
  );
  return result.rows;
}

const TYPES = [
  OID.bool,
  OID.int2,
  OID.int4,
  OID.int8,
  OID.date,
  OID.text,
  OID.bytea,
  OID.numeric,
  OID['numeric[]'],
  OID['text[]'],
];

/** Rows that have one column, the others being null. */
function rowsWith<T>(
  index: number,
  values: readonly T[],
  write: (rows: BinaryRows, value: T) => void,
) {
  const rows = new BinaryRows(rowOid, 16);
  for (const value of values) {
    rows.beginRow(TYPES.length);
    TYPES.forEach((oid, i) => {
      rows.column(oid);
      if (i === index) write(rows, value);
      else rows.null();
    });
    rows.endRow();
  }
  return rows;
}

describe('Postgres reads what was written', () => {
  test('no rows at all', async () => {
    const rows = new BinaryRows(rowOid, 16);
    expect(rows.isEmpty).toBe(true);
  });

  test('whole numbers, at the ends of their ranges', async () => {
    const larges = [0, 1, -1, 4_294_967_295, 4_294_967_296, -4_294_967_297];
    const numbers = [...larges, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];
    const texts = ['9223372036854775807', '-9223372036854775808', '-12'];
    const rows = rowsWith<number | string>(3, [...numbers, ...texts], (to, n) => to.int8(n));
    expect((await read(rows, 'large::text')).map(({ large }) => large)).toEqual([
      ...numbers.map(String),
      ...texts,
    ]);
    const wholes = [0, 1, -1, 2_147_483_647, -2_147_483_648];
    const four = rowsWith(2, wholes, (to, n) => to.int4(n));
    expect((await read(four, 'whole')).map(({ whole }) => whole)).toEqual(wholes);
    const smalls = [0, 1, -1, 32_767, -32_768];
    const two = rowsWith(1, smalls, (to, n) => to.int2(n));
    expect((await read(two, 'small')).map(({ small }) => small)).toEqual(smalls);
  });

  test('four bytes or nothing: what does not fit is refused, not cut off', () => {
    for (const value of [2_147_483_648, -2_147_483_649, 1.5, Number.NaN]) {
      expect(() => rowsWith(2, [value], (to, n) => to.int4(n))).toThrow(RangeError);
    }
  });

  test('booleans and days', async () => {
    const flags = rowsWith(0, [true, false], (to, flag) => to.boolean(flag));
    expect((await read(flags, 'flag')).map(({ flag }) => flag)).toEqual([true, false]);
    const days = ['2000-01-01', '1999-12-31', '2026-11-01', '2100-02-28'];
    const rows = rowsWith(4, days, (to, day) => to.date(day));
    expect((await read(rows, 'day::text')).map(({ day }) => day)).toEqual(days);
  });

  test('texts of every length and script', async () => {
    const texts = ['', 'a', 'x'.repeat(64), 'x'.repeat(65), 'é', '語'.repeat(40), '👋🏽', '"\\{}'];
    const rows = rowsWith(5, texts, (to, text) => to.text(text));
    expect((await read(rows, 'name')).map(({ name }) => name)).toEqual(texts);
  });

  test('bytes', async () => {
    const rows = rowsWith(6, [0], (to) => {
      to.bytea(8);
      to.word(0x01020304);
      to.word(-1);
    });
    const [row] = await read(rows, 'raw');
    expect(row.raw.toString('hex')).toBe('01020304ffffffff');
  });

  test('arrays, with nulls and without, and empty', async () => {
    const arrays = [['1.5', null, '-2'], ['3'], []];
    const rows = rowsWith(8, arrays, (to, array) => {
      const start = to.beginArray(OID.numeric, array.length);
      for (const value of array) {
        if (value === null) to.null();
        else to.numeric(value);
      }
      to.endArray(start);
    });
    const read8 = await read(rows, 'amounts::text');
    expect(read8.map(({ amounts }) => amounts)).toEqual(['{1.5,NULL,-2}', '{3}', '{}']);
  });
});

describe('a decimal is the same to the last digit, and has no more decimals than it needs', () => {
  const readNumerics = async (values: readonly (number | string)[]) => {
    const rows = rowsWith<number | string>(7, values, (to, value) => to.numeric(value));
    return (await read(rows, 'amount::text')).map(({ amount }) => amount);
  };
  /** How Postgres reads the same texts, without zeros at the end. */
  const asText = async (values: readonly (number | string)[]) => {
    const { rows } = await world.database.query(
      'SELECT trim_scale(value::numeric)::text AS amount FROM unnest($1::text[]) WITH ORDINALITY AS u (value, n) ORDER BY n',
      [values.map(String)],
    );
    return rows.map(({ amount }) => amount);
  };

  test('at the corners', async () => {
    const values = [
      ...[0, 0.1, 1, 10, 1e3, 1e4, 12_345.678_9, 0.000_1, 0.000_012_34, 5e-324],
      ...[Number.MAX_VALUE, Number.MAX_SAFE_INTEGER, 1.2e21, 1e-7, 123e-20, 9_999.999_9],
      ...['-0.5', '-12345', '100.00', '0.000', '-0.0', '12345678901234567890.123456789'],
    ];
    expect(await readNumerics(values)).toEqual(await asText(values));
  });

  test('for doubles of any kind', async () => {
    const doubles = fc.sample(
      fc.oneof(
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.double({ min: 0, max: 10_000, noNaN: true }),
        fc.integer().map((n) => n / 1_000),
      ),
      3_000,
    );
    expect(await readNumerics(doubles)).toEqual(await asText(doubles));
  });
});
