import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { reachServer } from '../../src/cli/reach-database.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { WrongUsageError } from '../../src/errors.ts';
import { cli } from '../support/cli.ts';
import { type SecuredPostgres, startSecuredPostgres } from '../support/secured-postgres.ts';
import { stackUrls } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld } from '../support/world.ts';

let server: SecuredPostgres;
beforeAll(async () => {
  server = await startSecuredPostgres();
});
afterAll(async () => {
  await server.stop();
});

/** The URL with parameters, and another user when one is named. */
function url(parameters: Record<string, string>, user?: string, password = ''): string {
  const result = new URL(server.url);
  for (const [name, value] of Object.entries(parameters)) result.searchParams.set(name, value);
  if (user !== undefined) [result.username, result.password] = [user, password];
  return result.href;
}
const verified = () => ({ sslmode: 'verify-full', sslrootcert: server.authority.caFile });

async function asSuperuser<T extends pg.QueryResultRow>(statement: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url(verified()) });
  await client.connect();
  try {
    return (await client.query<T>(statement)).rows;
  } finally {
    await client.end();
  }
}

/** Until the server has taken up its rules, which it does a moment after it was signalled. */
async function untilTlsIsAsked(): Promise<void> {
  await until('the server refuses who comes without TLS', async () => {
    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => {});
    const refused = await client.connect().then(
      () => false,
      () => true,
    );
    await client.end();
    return refused;
  });
}

// First of all: roles belong to the server, and the other tests' migrations make them.
test('migrate by a user who may not create roles warns, and creates the tables', async () => {
  await asSuperuser("CREATE ROLE migrator LOGIN PASSWORD 'pw' NOCREATEROLE");
  await asSuperuser('GRANT CREATE ON DATABASE postgres TO migrator');
  const env = { DATABASE_URL: url(verified(), 'migrator', 'pw'), DATABASE_SCHEMA: 'without_roles' };

  const migrated = await cli(['migrate'], env);
  const roles = await asSuperuser("SELECT FROM pg_roles WHERE rolname LIKE 'usage_ledger%'");
  expect(migrated.code).toBe(0);
  expect(migrated.stdout).toMatch(/schema "without_roles" is at /);
  expect(migrated.stderr).toMatch(
    /^warning: usage_ledger_writer and usage_ledger_reader were not set up: permission denied/,
  );
  expect(roles).toEqual([]);
  expect(await cli(['verify'], env)).toMatchObject({ code: 0 });

  await asSuperuser(`
    CREATE ROLE usage_ledger_writer NOLOGIN; CREATE ROLE usage_ledger_reader NOLOGIN;
    CREATE ROLE worker LOGIN PASSWORD 'pw' IN ROLE usage_ledger_writer;
    CREATE ROLE billing LOGIN PASSWORD 'pw' IN ROLE usage_ledger_reader`);
  const grants = (await grantsOfTheGuide()).replaceAll('usage_ledger;', 'without_roles;');
  await asSuperuser(grants.replaceAll('SCHEMA usage_ledger', 'SCHEMA without_roles'));

  const as = (user: string) => ({ ...env, DATABASE_URL: url(verified(), user, 'pw') });
  expect(await cli(['verify'], as('worker'))).toMatchObject({ code: 0 });
  expect(await cli(['report'], as('billing'))).toMatchObject({ code: 0 });
});

/** The statements that docs/security.md has for this case. */
async function grantsOfTheGuide(): Promise<string> {
  const guide = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8');
  const statements = /```sql\n(SET search_path[^`]*)```/.exec(guide)?.[1];
  if (statements === undefined) throw new Error('docs/security.md has no GRANT statements');
  return statements;
}

describe('Postgres over TLS', () => {
  test('is migrated, written to and verified', async () => {
    await untilTlsIsAsked();
    const world = await newWorld(1, { ...stackUrls(), databaseUrl: url(verified()) });
    await world.send(await world.encode(calls.events.slice(0, 40)));

    const { counts } = await world.run();

    expect(Object.values(counts).reduce((sum, count) => sum + count)).toBe(40);
    expect(await breaks(world.database)).toEqual([]);
    const { rows } = await world.database.query(
      'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()',
    );
    expect(rows).toEqual([{ ssl: true }]);
    await world.close();
  });

  test('accepts a client certificate instead of a password', async () => {
    await asSuperuser('GRANT CREATE ON DATABASE postgres TO certified');
    const { certFile, keyFile } = server.certified;
    const DATABASE_URL = url({ ...verified(), sslcert: certFile, sslkey: keyFile }, 'certified');
    const { code, stdout } = await cli(['migrate'], { DATABASE_URL, DATABASE_SCHEMA: 'by_cert' });
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: /"by_cert" is at/ });
  });

  test.concurrent.each<[string, () => string, RegExp]>([
    ['without TLS', () => url({ sslmode: 'disable' }), /no pg_hba.conf entry.* no encryption/],
    [
      'with an authority that did not sign the server',
      () => url({ sslmode: 'verify-full', sslrootcert: server.otherAuthority.caFile }),
      /unable to verify|self-signed certificate|unable to get/,
    ],
    [
      'by another name than that of the certificate',
      () => url(verified()).replace('127.0.0.1', 'localhost'),
      /does not match certificate's altnames/,
    ],
    [
      'with the wrong password',
      () => url(verified(), 'postgres', 'pw-wrong'),
      /password authentication failed for user "postgres"/,
    ],
  ])('is refused at once %s', async (_, databaseUrl, reason) => {
    const env = { DATABASE_URL: databaseUrl(), STARTUP_TIMEOUT_S: '60' };
    const error = await reachServer(loadSettings(env, ['database']), 1).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(WrongUsageError);
    const { message } = error as WrongUsageError;
    expect(message).toMatch(/^Postgres at (127\.0\.0\.1|localhost):\d+\/postgres refused: /);
    expect(message).toMatch(reason);
    expect(message).not.toMatch(/pw-wrong|postgres:[^/]*@/);
  });

  test('with a missing CA file is a configuration error', async () => {
    const env = { DATABASE_URL: url({ ...verified(), sslrootcert: '/nowhere/ca.pem' }) };
    const error = await reachServer(loadSettings(env, ['database']), 1).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(WrongUsageError);
    expect((error as Error).message).toMatch(/DATABASE_URL: ENOENT.*\/nowhere\/ca\.pem/);
  });
});
