import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';

// migrations/ is in the root of the package: two levels above src/migrate, and above dist/migrate.
const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface Migration {
  readonly tag: string;
  /** When it was generated, in milliseconds since 1970: orders and identifies migrations. */
  readonly when: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** All migrations of this program, the oldest first. */
export function readMigrations(): Migration[] {
  const journal = JSON.parse(readFileSync(`${FOLDER}/meta/_journal.json`, 'utf8')) as {
    entries: { tag: string; when: number }[];
  };
  const files = readMigrationFiles({ migrationsFolder: FOLDER });
  return journal.entries.map(({ tag, when }, i) => {
    const { hash = '', sql = [] } = files[i] ?? {};
    return { tag, when, hash, statements: sql };
  });
}
