import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dataDictionary } from '../../scripts/data-dictionary.ts';
import { grantsOf, withGrants } from '../../scripts/grants.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(() => world.close());

test('every relation and column has a comment, and docs/data-dictionary.md has them all', async () => {
  const page = readFileSync(new URL('../../docs/data-dictionary.md', import.meta.url), 'utf8');
  // When they differ: npm run generate:dictionary
  expect(await dataDictionary(world.database)).toBe(page);
});

test('docs/security.md has the grants of the roles, for a user who may not make them', async () => {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  expect(withGrants(page, await grantsOf(world.database))).toBe(page);
});
