import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startLocalPostgres } from '../../tools/stack/local-postgres.ts';
import { unprivilegedUser } from '../../tools/stack/unprivileged-user.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import { type Authority, type Certificate, newAuthority } from './certificates.ts';

/** A Postgres of the test's own that lets nobody in without TLS. */
export interface SecuredPostgres {
  /** Of the superuser, without the parameters that ask for TLS. */
  readonly url: string;
  readonly authority: Authority;
  readonly otherAuthority: Authority;
  /** Who shows it may come in as the role `certified`, without a password. */
  readonly certified: Certificate;
  stop(): Promise<void>;
}

export async function startSecuredPostgres(): Promise<SecuredPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'usage-ledger-certificates-'));
  await chmod(folder, 0o711);
  const [authority, otherAuthority, watchdog] = await Promise.all([
    newAuthority(folder, 'authority'),
    newAuthority(folder, 'otherAuthority'),
    Watchdog.start(),
  ]);
  const [server, certified] = await Promise.all([
    authority.issue('postgres'),
    authority.issue('certified'),
  ]);
  // Postgres takes a key only when nobody but its own user can read it.
  const user = await unprivilegedUser();
  if (user !== undefined) await chown(server.keyFile, user.uid, user.gid);
  await chmod(server.keyFile, 0o600);
  const { url } = await startLocalPostgres(
    { watchdog, env: process.env, progress: () => {} },
    {
      ssl: 'on',
      ssl_cert_file: server.certFile,
      ssl_key_file: server.keyFile,
      ssl_ca_file: authority.caFile,
    },
  );
  await onlyWithTls(url);
  return {
    url,
    authority,
    otherAuthority,
    certified,
    async stop() {
      await watchdog.close();
      await rm(folder, { recursive: true });
    },
  };
}

async function onlyWithTls(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ hba_file: string }>('SHOW hba_file');
  const file = rows[0]?.hba_file ?? '';
  await writeFile(
    file,
    'hostssl all certified 127.0.0.1/32 cert\nhostssl all all 127.0.0.1/32 scram-sha-256\n',
  );
  await client.query('CREATE ROLE certified LOGIN');
  await client.query('SELECT pg_reload_conf()');
  await client.end();
}
