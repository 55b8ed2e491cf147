import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

const LARGE = Buffer.alloc(3_000_000, 'some bytes');

const STATEMENT = `SELECT $1::bytea AS raw, $2::text AS text, $3::text AS nothing, $4::int AS number,
  $5::bytea AS little, $6::bytea AS another`;

function parametersWith(raw: Buffer) {
  return [raw, 'žluť', null, 42, Buffer.from([0, 1, 2]), Buffer.alloc(70_000, 9)];
}

describe('parameters of a statement with a large one', () => {
  test.each([
    ['unnamed', undefined],
    ['prepared, and used again', 'with_a_large_one'],
  ])('are read as they were given: a statement that is %s', async (_, name) => {
    for (const size of [100, 16_384, 65_536, LARGE.length]) {
      const values = parametersWith(LARGE.subarray(0, size));
      const { rows } = await world.database.query({
        text: STATEMENT,
        values,
        ...(name !== undefined && { name }),
      });
      const [raw, text, nothing, number, little, another] = values;
      expect(rows[0]).toMatchObject({ text, nothing, number, little });
      expect(rows[0].raw.equals(raw)).toBe(true);
      expect(rows[0].another.equals(another)).toBe(true);
    }
  });

  test('are read as they were given when none of them is large by itself', async () => {
    const values = Array.from({ length: 12 }, (_, i) => Buffer.alloc(2_000 + i, i));
    const columns = values.map((_, i) => `$${i + 1}::bytea AS c${i}`);
    const { rows } = await world.database.query(`SELECT ${columns.join()}`, values);
    expect(Object.values(rows[0])).toEqual(values);
  });

  test('are not copied', async () => {
    const connection = await world.database.connect();
    try {
      const { stream } = (connection as unknown as { connection: { stream: WriteStream } })
        .connection;
      const { write } = stream;
      const written: Buffer[] = [];
      stream.write = (bytes) => {
        written.push(bytes);
        return write.call(stream, bytes);
      };
      await connection.query('SELECT length($1::bytea)', [LARGE]);
      expect(written.some((bytes) => bytes.buffer === LARGE.buffer)).toBe(true);
      stream.write = write;
    } finally {
      connection.release();
    }
  });

  test('that cannot be given leave the connection as it was', async () => {
    const connection = await world.database.connect();
    try {
      const bad = {
        toPostgres: () => {
          throw new Error('no such value');
        },
      };
      const query = connection.query(STATEMENT, [LARGE, bad, null, 1, LARGE, LARGE]);
      await expect(query).rejects.toThrow('no such value');
      const { rows } = await connection.query('SELECT $1::int AS one', [1]);
      expect(rows).toEqual([{ one: 1 }]);
    } finally {
      connection.release();
    }
  });
});

interface WriteStream {
  write(bytes: Buffer): boolean;
}
