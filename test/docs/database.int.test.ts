import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dataDictionary } from '../../scripts/data-dictionary.ts';
import { grantsOf, withGrants } from '../../scripts/grants.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { blocksOf, inlineCodeOf, readPage, readPages } from '../support/pages.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(() => world.close());

test('every relation and column has a comment, and docs/data-dictionary.md has them all', async () => {
  const { text } = readPage('docs/data-dictionary.md');
  // When they differ: npm run generate:dictionary
  expect(await dataDictionary(world.database)).toBe(text);
});

test('docs/security.md has the grants of the roles, for a user who may not make them', async () => {
  const { text } = readPage('docs/security.md');
  expect(withGrants(text, await grantsOf(world.database))).toBe(text);
});

describe('SQL runs that stands in', () => {
  const found = readPages().flatMap((page) => {
    const queries = inlineCodeOf(page).filter((code) => /^SELECT .* FROM /.test(code));
    const sql = [...blocksOf(page, 'sql'), ...queries].map((text) => text.replaceAll('$1', '0'));
    return sql.length === 0 ? [] : [[page.file, sql] as const];
  });

  test.each(found)('%s', async (_, sql) => {
    const connection = await world.database.connect();
    try {
      for (const statements of sql) {
        await connection.query('BEGIN; SET LOCAL search_path = usage_ledger');
        // Citus is not here: what it is given must be a table.
        await connection.query(`CREATE FUNCTION create_distributed_table(regclass, text,
          colocate_with regclass DEFAULT NULL) RETURNS void LANGUAGE sql AS ''`);
        await expect(connection.query(statements)).resolves.toBeDefined();
        await connection.query('ROLLBACK');
      }
    } finally {
      // Closed, not given back: a failed statement leaves its transaction open.
      connection.release(true);
    }
  });

  test('nine pages or more', () => {
    expect(found.length).toBeGreaterThanOrEqual(9);
  });
});
