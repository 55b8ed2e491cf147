import { requireCurrentSchema } from '../../migrate/migrate.ts';
import { readMigrations } from '../../migrate/migration-files.ts';
import { requireRecentServer } from '../../migrate/schema-owner.ts';
import { type Check, fail, ok } from './finding.ts';

const SERVER = `
  SELECT current_setting('server_version') AS version, current_database() AS name,
    current_setting('server_encoding') AS encoding,
    pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS is_read_only`;

export const database: Check = {
  name: 'database',
  todo: 'check DATABASE_URL, and that Postgres runs',
  async run({ database }) {
    const { rows } = await database.query(SERVER);
    const { version, name, encoding, is_read_only: isReadOnly } = rows[0];
    await requireRecentServer(database);
    if (isReadOnly) {
      const todo =
        'connect to the primary, or let it be written to (default_transaction_read_only)';
      return [fail(name, `Postgres ${version} is read-only`, todo)];
    }
    if (encoding !== 'UTF8') {
      const todo = "create another one: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'";
      return [fail(name, `its encoding is ${encoding}`, todo)];
    }
    return [ok(name, `Postgres ${version}`)];
  },
};

export const schema: Check = {
  name: 'schema',
  after: 'database',
  todo: 'run: usage-ledger migrate',
  async run({ database, settings }) {
    await requireCurrentSchema(database, settings);
    const version = readMigrations().at(-1)?.tag ?? 'none';
    return [ok(settings.DATABASE_SCHEMA, `is at ${version}, the newest`)];
  },
};
