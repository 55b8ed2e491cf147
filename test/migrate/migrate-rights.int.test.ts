import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSettings, type Settings } from '../../src/config/settings.ts';
import { UnreachableError, WrongUsageError } from '../../src/errors.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import { freshDatabase } from '../support/stack.ts';
import { until } from '../support/until.ts';

let url: string;
let drop: () => Promise<void>;
const roles: string[] = [];
beforeEach(async () => {
  ({ url, drop } = await freshDatabase());
});
afterEach(async () => {
  for (const role of roles) await asSuperuser(`DROP OWNED BY ${role} CASCADE`);
  await drop();
  for (const role of roles.splice(0)) await onServer(`DROP ROLE ${role}`);
});

async function onServer(sql: string): Promise<pg.QueryResultRow[]> {
  const server = new URL(url);
  server.pathname = '/postgres';
  return run(server.href, sql);
}
const asSuperuser = (sql: string) => run(url, sql);

async function run(where: string, sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: where });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function newRole(): Promise<string> {
  const role = `test_${randomBytes(4).toString('hex')}`;
  await asSuperuser(`CREATE ROLE ${role} LOGIN PASSWORD 'pw'`);
  roles.push(role);
  return role;
}

function urlOf(role: string): string {
  const own = new URL(url);
  [own.username, own.password] = [role, 'pw'];
  return own.href;
}

function settingsOf(role?: string, more: NodeJS.ProcessEnv = {}): Settings {
  const DATABASE_URL = role === undefined ? url : urlOf(role);
  return loadSettings({ DATABASE_URL, ...more }, ['database']);
}

const errorOf = (settings: Settings): Promise<Error> =>
  migrateDatabase(settings).then(
    () => new Error('it was done'),
    (error: Error) => error,
  );

describe('migrate', () => {
  test('needs no right to create schemas where an administrator has created one', async () => {
    const role = await newRole();
    await asSuperuser(`CREATE SCHEMA usage_ledger AUTHORIZATION ${role}`);

    const { applied } = await migrateDatabase(settingsOf(role));

    expect(applied).toContain('0000_tables');
    expect((await migrateDatabase(settingsOf(role))).applied).toEqual([]);
  });

  test('names the statement for an administrator where there is none', async () => {
    const role = await newRole();
    const error = await errorOf(settingsOf(role));
    expect(error).toBeInstanceOf(WrongUsageError);
    expect(error.message).toMatch(
      `let an administrator run: CREATE SCHEMA "usage_ledger" AUTHORIZATION "${role}"`,
    );
    expect(error.message).not.toMatch(/usage_ledger_writer/);
  });

  test('refuses a schema of another user, who would gain the rights of the one who migrates', async () => {
    const [owner, other] = [await newRole(), await newRole()];
    await asSuperuser(`CREATE SCHEMA usage_ledger AUTHORIZATION ${owner};
      GRANT CREATE, USAGE ON SCHEMA usage_ledger TO ${other}`);

    for (const settings of [settingsOf(), settingsOf(other)]) {
      const error = await errorOf(settings);
      expect(error).toBeInstanceOf(WrongUsageError);
      expect(error.message).toMatch(`schema "usage_ledger" belongs to "${owner}"`);
      expect(error.message).toMatch(`run migrate as "${owner}"`);
    }
    expect((await migrateDatabase(settingsOf(owner))).applied).toContain('0000_tables');
    // Even when there is nothing to apply.
    expect(await errorOf(settingsOf())).toBeInstanceOf(WrongUsageError);
  });

  test('takes a schema of a superuser in which it may create', async () => {
    const role = await newRole();
    await asSuperuser(
      `CREATE SCHEMA usage_ledger; GRANT CREATE, USAGE ON SCHEMA usage_ledger TO ${role}`,
    );
    expect((await migrateDatabase(settingsOf(role))).applied).toContain('0000_tables');
  });

  test('takes the schema "public" as the owner of the database only', async () => {
    const role = await newRole();
    const settings = settingsOf(role, { DATABASE_SCHEMA: 'public' });
    await asSuperuser(`GRANT CREATE ON SCHEMA public TO ${role}`);
    await asSuperuser(`ALTER SCHEMA public OWNER TO pg_database_owner`);
    const database = new URL(url).pathname.slice(1);
    const other = await newRole();
    await asSuperuser(`ALTER DATABASE ${database} OWNER TO ${other}`);
    expect(await errorOf(settings)).toBeInstanceOf(WrongUsageError);

    await asSuperuser(`ALTER DATABASE ${database} OWNER TO ${role}`);
    expect((await migrateDatabase(settings)).applied).toContain('0000_tables');
    await asSuperuser(`ALTER DATABASE ${database} OWNER TO postgres`);
  });

  test('refuses a database that cannot store all Unicode text', async () => {
    const name = `test_${randomBytes(4).toString('hex')}`;
    await onServer(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'
      LOCALE_PROVIDER libc`);
    const latin = new URL(url);
    latin.pathname = `/${name}`;
    const settings = loadSettings({ DATABASE_URL: latin.href }, ['database']);
    expect((await errorOf(settings)).message).toMatch(/encoding LATIN1.*ENCODING 'UTF8'/);
    await onServer(`DROP DATABASE ${name}`);
  });
});

test('functions with the rights of their owner use no name that others could redefine', async () => {
  await migrateDatabase(settingsOf());
  const definers = await asSuperuser(
    `SELECT proname, proconfig, prosrc FROM pg_proc WHERE pronamespace = 'usage_ledger'::regnamespace
      AND prosecdef ORDER BY proname`,
  );
  expect(definers.map(({ proname }) => proname)).toEqual([
    'close_billing_days',
    'compact_sessions',
    'compute_price_periods',
    'late_usage_since',
    'materialize_new_price_periods',
    'materialize_price_periods',
    'new_price_periods',
    'note_uncompacted',
    'prepare_ledger_partitions',
    'prepare_usage_change',
    'usage_event_at',
  ]);
  const own = await asSuperuser(
    `SELECT proname FROM pg_proc WHERE pronamespace = 'usage_ledger'::regnamespace`,
  );
  for (const { proconfig, prosrc } of definers) {
    expect(proconfig).toContain('search_path=pg_catalog, pg_temp');
    // A call of one of the ledger's own functions names the schema, in which only the owner may create.
    for (const { proname } of own)
      expect(prosrc).not.toMatch(new RegExp(`(?<!usage_ledger\\.)\\b${proname}\\(`));
  }
  const mayCreate = await asSuperuser(
    `SELECT FROM pg_namespace CROSS JOIN LATERAL aclexplode(nspacl)
      WHERE nspname = 'usage_ledger' AND grantee = 0 AND privilege_type = 'CREATE'`,
  );
  expect(mayCreate).toEqual([]);
});

describe('a lock that another process holds', () => {
  const KEY = `hashtext('usage_ledger:"usage_ledger"')`;

  async function held<T>(
    role: string,
    lock: string,
    work: (pid: number) => Promise<T>,
  ): Promise<T> {
    const client = new pg.Client({ connectionString: urlOf(role), application_name: 'idler' });
    await client.connect();
    try {
      await client.query(lock);
      const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
      return await work(rows[0].pid);
    } finally {
      await client.end();
    }
  }

  test('ends a migration after STARTUP_TIMEOUT_S with the process and user that hold it', async () => {
    const role = await newRole();
    await held(role, `SELECT pg_advisory_lock(${KEY})`, async (pid) => {
      const error = await errorOf(settingsOf(undefined, { STARTUP_TIMEOUT_S: '1' }));
      expect(error).toBeInstanceOf(UnreachableError);
      expect(error.message).toMatch(`held by process ${pid} of user ${role}, application "idler"`);
      expect(error.message).toMatch(`SELECT pg_terminate_backend(${pid})`);
    });
    expect((await migrateDatabase(settingsOf())).applied).toContain('0000_tables');
  });

  test('is not waited for when there is nothing to migrate', async () => {
    await migrateDatabase(settingsOf());
    const role = await newRole();
    await held(role, `SELECT pg_advisory_lock(${KEY})`, async () => {
      const { applied } = await migrateDatabase(settingsOf(undefined, { STARTUP_TIMEOUT_S: '1' }));
      expect(applied).toEqual([]);
    });
  });
});

describe('the roles of a ledger', () => {
  const id = randomBytes(4).toString('hex');
  const [first, second] = [`test_first_${id}`, `test_second_${id}`];
  const prefixed = (prefix: string, schema: string) =>
    settingsOf(undefined, { DATABASE_ROLE_PREFIX: prefix, DATABASE_SCHEMA: schema });
  const may = async (role: string, schema: string) =>
    (
      await asSuperuser(
        `SELECT has_schema_privilege('${role}', '${schema}', 'USAGE')
          AND has_table_privilege('${role}', '${schema}.session_model_usage', 'UPDATE') AS may`,
      )
    )[0]?.['may'];

  test('are its own with DATABASE_ROLE_PREFIX: the writer of one may not write to another', async () => {
    await migrateDatabase(prefixed(first, 'first'));
    await migrateDatabase(prefixed(second, 'second'));
    roles.push(`${first}_writer`, `${first}_reader`, `${second}_writer`, `${second}_reader`);

    expect(await may(`${first}_writer`, 'first')).toBe(true);
    expect(await may(`${first}_writer`, 'second')).toBe(false);
    expect(await may(`${second}_writer`, 'first')).toBe(false);
    expect(await may(`${second}_writer`, 'second')).toBe(true);
    // Without the setting it keeps its roles.
    await migrateDatabase(settingsOf(undefined, { DATABASE_SCHEMA: 'first' }));
    expect(await may(`${first}_writer`, 'first')).toBe(true);
    expect(await may('usage_ledger_writer', 'first')).toBe(false);
  });

  test('may be made by another migration of the server in the same moment', async () => {
    const third = `test_third_${id}`;
    roles.push(`${third}_writer`, `${third}_reader`);
    const rival = new pg.Client({ connectionString: url });
    await rival.connect();
    const { rows } = await rival.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    const isWaitedFor = `SELECT FROM pg_stat_activity WHERE ${rows[0]?.pid} = ANY (pg_blocking_pids(pid))`;
    await rival.query(`BEGIN; CREATE ROLE ${third}_writer NOLOGIN`);
    const migrating = migrateDatabase(prefixed(third, 'third'));
    const waits = async () => (await asSuperuser(isWaitedFor)).length > 0;
    await until('the migration waits for the rival', waits);
    await rival.query('COMMIT');
    await rival.end();

    expect((await migrating).warnings).toEqual([]);
    expect(await may(`${third}_writer`, 'third')).toBe(true);
  });

  // The error named the owner of the schema, who did migrate.
  test('that may not be created are named, with the statements for an administrator', async () => {
    const role = await newRole();
    await asSuperuser(`CREATE SCHEMA usage_ledger AUTHORIZATION ${role}`);
    await migrateDatabase(settingsOf(role));

    const error = await errorOf(settingsOf(role, { DATABASE_ROLE_PREFIX: first }));

    expect(error).toBeInstanceOf(WrongUsageError);
    expect(error.message).toMatch(
      `CREATE ROLE ${first}_writer NOLOGIN; CREATE ROLE ${first}_reader NOLOGIN`,
    );
  });

  test('are replaced in a ledger that has the common ones', async () => {
    await migrateDatabase(settingsOf());
    const granted = () =>
      asSuperuser(
        `SELECT replace(replace(grantee, '${first}', 'ROLE'), 'usage_ledger', 'ROLE') AS grantee,
            table_name, privilege_type
          FROM information_schema.role_table_grants
          WHERE table_schema = 'usage_ledger' AND grantee <> 'postgres' ORDER BY 1, 2, 3`,
      );
    const before = await granted();
    expect(await may('usage_ledger_writer', 'usage_ledger')).toBe(true);

    await migrateDatabase(prefixed(first, 'usage_ledger'));
    roles.push(`${first}_writer`, `${first}_reader`);

    expect(await may('usage_ledger_writer', 'usage_ledger')).toBe(false);
    expect(await may(`${first}_writer`, 'usage_ledger')).toBe(true);
    expect(await granted()).toEqual(before);
    expect((await migrateDatabase(prefixed(first, 'usage_ledger'))).applied).toEqual([]);
  });
});
