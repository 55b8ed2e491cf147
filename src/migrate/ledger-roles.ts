import type pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { messageOf, WrongUsageError } from '../errors.ts';
import { codeOf, isNotPermitted } from '../postgres/errors.ts';
import { quoteIdentifier } from '../postgres/session-settings.ts';

/** The prefix in the migrations, and of ledgers without DATABASE_ROLE_PREFIX. */
const DEFAULT_PREFIX = 'usage_ledger';
const KINDS = ['writer', 'reader'] as const;
const NOTE = 'prefix of its roles: ';
/** duplicate_object, and unique_violation when both were made in the same moment. */
const DUPLICATE: readonly string[] = ['42710', '23505'];

/**
 * Makes the roles of a new ledger, or of a changed prefix, if this user may: each in a transaction of its own,
 * before the migration's. There, a role that another ledger of the server had just made could be seen by a
 * query and not by GRANT, which may look into an older snapshot of the catalog.
 */
export async function prepareRoles(
  client: pg.ClientBase,
  { DATABASE_ROLE_PREFIX: set, STARTUP_TIMEOUT_S: seconds }: Settings,
  isNew: boolean,
): Promise<void> {
  const prefix = set ?? (isNew ? DEFAULT_PREFIX : undefined);
  if (prefix === undefined) return;
  for (const kind of KINDS) {
    const role = `${prefix}_${kind}`;
    if (await exists(client, role)) continue;
    // In one query, and so in one transaction.
    const limit = `SET LOCAL lock_timeout = ${Math.max(seconds * 1_000, 1)}`;
    const create = `CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`;
    await client.query(`${limit}; ${create}`).catch((error: unknown) => {
      // Without the right, the migration warns, or says what an administrator is to run.
      if (!isNotPermitted(error) && !isDuplicate(error)) throw error;
    });
  }
}

/**
 * Roles belong to the whole server: two ledgers with the same roles share their writers. A ledger with
 * a DATABASE_ROLE_PREFIX of its own has roles of its own. The prefix is stored in the database, so that
 * a migration without the setting keeps it.
 *
 * @returns puts the names of this ledger's roles into a statement
 */
export async function useLedgerRoles(
  client: pg.ClientBase,
  { DATABASE_ROLE_PREFIX: set }: Settings,
  isNew: boolean,
): Promise<{ named(statement: string): string }> {
  const noted = isNew ? DEFAULT_PREFIX : await notedPrefix(client);
  const wanted = set ?? noted;
  if (noted !== wanted) {
    if (!isNew) await exchangeRoles(client, noted, wanted);
    await client.query(`COMMENT ON TABLE schema_migration IS '${NOTE}${wanted}'`);
  }
  return {
    named: (statement) =>
      KINDS.reduce(
        (text, kind) => text.replaceAll(`${DEFAULT_PREFIX}_${kind}`, `${wanted}_${kind}`),
        statement,
      ),
  };
}

async function notedPrefix(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ comment: string | null }>(
    `SELECT obj_description('schema_migration'::regclass, 'pg_class') AS comment`,
  );
  const comment = rows[0]?.comment ?? '';
  return comment.startsWith(NOTE) ? comment.slice(NOTE.length) : DEFAULT_PREFIX;
}

/** Grants the privileges of one pair of roles in the schema to another pair, and revokes them from the first. */
async function exchangeRoles(client: pg.ClientBase, from: string, to: string): Promise<void> {
  for (const kind of KINDS) {
    const [before, after] = [`${from}_${kind}`, `${to}_${kind}`];
    await ensureRole(client, after, to);
    const { rows } = await client.query<{ privilege: string; object: string }>(GRANTED, [before]);
    for (const { privilege, object } of rows) {
      await client.query(`GRANT ${privilege} ON ${object} TO ${quoteIdentifier(after)}`);
      await client.query(`REVOKE ${privilege} ON ${object} FROM ${quoteIdentifier(before)}`);
    }
  }
}

async function exists(client: pg.ClientBase, role: string): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [role]);
  return rows.length > 0;
}

/** Another transaction has just made it. */
const isDuplicate = (error: unknown) => DUPLICATE.includes(codeOf(error) ?? '');

/** @throws {WrongUsageError} with the statements for an administrator, when this user may not create roles */
async function ensureRole(client: pg.ClientBase, role: string, prefix: string): Promise<void> {
  if (await exists(client, role)) return;
  try {
    await client.query(`CREATE ROLE ${quoteIdentifier(role)} NOLOGIN`);
  } catch (error) {
    if (!isNotPermitted(error)) throw error;
    const statements = KINDS.map((kind) => `CREATE ROLE ${prefix}_${kind} NOLOGIN`).join('; ');
    throw new WrongUsageError(
      `DATABASE_ROLE_PREFIX: ${messageOf(error)}; let an administrator run: ${statements}; then ` +
        'run migrate again',
      { cause: error },
    );
  }
}

/** The privileges of a role in the schema. */
const GRANTED = `
  SELECT acl.privilege_type AS privilege, item.object
  FROM (
    SELECT nspacl AS granted, format('SCHEMA %I', nspname) AS object
    FROM pg_namespace WHERE nspname = current_schema()
    UNION ALL
    SELECT relacl, format('%s %I', CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname)
    FROM pg_class WHERE relnamespace = to_regnamespace(quote_ident(current_schema()))
    UNION ALL
    SELECT proacl, format('FUNCTION %s', oid::regprocedure)
    FROM pg_proc WHERE pronamespace = to_regnamespace(quote_ident(current_schema()))
  ) AS item
  CROSS JOIN LATERAL aclexplode(item.granted) AS acl
  JOIN pg_roles AS grantee ON grantee.oid = acl.grantee AND grantee.rolname = $1`;
