import type pg from 'pg';
import { WrongUsageError } from '../errors.ts';
import { quoteIdentifier } from '../postgres/session-settings.ts';

interface Found {
  /** Null: the schema does not exist. */
  owner: string | null;
  is_safe: boolean;
  may_create: boolean;
  username: string;
  database: string;
}

/**
 * Functions that `migrate` creates run with the rights of their creator, and the owner of a schema may
 * replace what is in it: in a schema that another user owns, that user would gain the rights of the one
 * who migrates. A superuser has them anyway.
 *
 * @throws {WrongUsageError} naming who may migrate the schema, or the right that is missing
 */
export async function requireUsableSchema(client: pg.ClientBase, schema: string): Promise<void> {
  const { rows } = await client.query<Found>(
    `SELECT owner.rolname AS owner, coalesce(owner.rolname = current_user OR owner.rolsuper, false)
        AS is_safe,
      CASE WHEN namespace.oid IS NULL THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege(namespace.oid, 'CREATE') END AS may_create,
      current_user AS username, current_database() AS database
    FROM pg_database
    LEFT JOIN pg_namespace AS namespace ON namespace.nspname = $1
    -- The schema "public" belongs to whoever owns the database.
    LEFT JOIN pg_roles AS named ON named.oid = namespace.nspowner
    LEFT JOIN pg_roles AS owner ON owner.oid = CASE named.rolname
      WHEN 'pg_database_owner' THEN pg_database.datdba ELSE namespace.nspowner END
    WHERE datname = current_database()`,
    [schema],
  );
  const found = rows[0] as Found;
  const { owner, username, database } = found;
  const [name, user] = [quoteIdentifier(schema), quoteIdentifier(username)];
  if (owner === null && !found.may_create) {
    throw new WrongUsageError(
      `DATABASE_URL: permission denied for database ${database}: its user may not create schema ` +
        `${name}; let an administrator run: CREATE SCHEMA ${name} AUTHORIZATION ${user}`,
    );
  }
  if (owner !== null && !found.is_safe) {
    throw new WrongUsageError(
      `DATABASE_URL: schema ${name} belongs to ${quoteIdentifier(owner)}, who could then act as ` +
        `${user}: permission denied to migrate it; run migrate as ${quoteIdentifier(owner)}, or ` +
        `change the owner: ALTER SCHEMA ${name} OWNER TO ${user}`,
    );
  }
  if (owner !== null && !found.may_create) {
    throw new WrongUsageError(
      `DATABASE_URL: permission denied for schema ${name}, which belongs to ` +
        `${quoteIdentifier(owner)}; let its owner run: GRANT CREATE, USAGE ON SCHEMA ${name} TO ${user}`,
    );
  }
}

/** The first with multiranges, in which `position show` and `verify` count skipped offsets. */
const OLDEST_SERVER = 14;

/** @throws {WrongUsageError} when the server is older than the statements need */
export async function requireRecentServer(client: Pick<pg.ClientBase, 'query'>): Promise<void> {
  const { rows } = await client.query<{ number: string; version: string }>(
    `SELECT current_setting('server_version_num') AS number,
      current_setting('server_version') AS version`,
  );
  const [found] = rows;
  if (Number(found?.number) >= OLDEST_SERVER * 10_000) return;
  throw new WrongUsageError(
    `DATABASE_URL: the server is Postgres ${found?.version}; usage-ledger needs Postgres ` +
      `${OLDEST_SERVER} or newer`,
  );
}

/** @throws {WrongUsageError} when the database cannot store all Unicode text */
export async function requireUnicode(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ server_encoding: string }>('SHOW server_encoding');
  const encoding = rows[0]?.server_encoding;
  if (encoding === 'UTF8') return;
  throw new WrongUsageError(
    `DATABASE_URL: the database has the encoding ${encoding}, in which not every name can be ` +
      "stored; create another one: CREATE DATABASE … TEMPLATE template0 ENCODING 'UTF8'",
  );
}
