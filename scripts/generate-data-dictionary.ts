import { readFileSync, writeFileSync } from 'node:fs';
import { loadSettings } from '../src/config/settings.ts';
import { migrateDatabase } from '../src/migrate/migrate.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { startStack } from '../tools/stack/stack.ts';
import { dataDictionary } from './data-dictionary.ts';
import { grantsOf, withGrants } from './grants.ts';

/** Writes what pages say of the catalog, from a database that it starts and migrates. */
const PAGE = new URL('../docs/data-dictionary.md', import.meta.url);
const SECURITY = new URL('../docs/security.md', import.meta.url);

const stack = await startStack({
  progress: () => {},
  env: {},
  use: { kafka: 'not used', registry: 'not used' },
});
try {
  const settings = loadSettings({ DATABASE_URL: stack.databaseUrl }, ['database']);
  await migrateDatabase(settings);
  const database = openDatabase(settings, 1);
  writeFileSync(PAGE, await dataDictionary(database));
  const security = readFileSync(SECURITY, 'utf8');
  writeFileSync(SECURITY, withGrants(security, await grantsOf(database)));
  await database.end();
} finally {
  await stack.stop();
}
