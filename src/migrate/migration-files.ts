import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';

// migrations/ lies at the package root: two up from src/migrate and from dist/migrate alike.
const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

export interface Migration {
  readonly tag: string;
  /** When it was made, in milliseconds since 1970: the order of migrations, and their identity. */
  readonly when: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** Every migration of this program, the oldest first. */
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
