import { execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { freePorts } from '../../tools/stack/free-ports.ts';
import { unprivilegedUser } from '../../tools/stack/unprivileged-user.ts';
import { until } from '../support/until.ts';

export type PoolMode = 'session' | 'transaction';

/** A PgBouncer between workers and Postgres, as it is configured by default. */
export interface PgBouncer {
  /** The same database by way of it. */
  readonly url: string;
  readonly version: string;
  stop(): Promise<void>;
}

/** @throws when there is no `pgbouncer` on the PATH */
export async function startPgBouncer(databaseUrl: string, mode: PoolMode): Promise<PgBouncer> {
  const { stdout } = await promisify(execFile)('pgbouncer', ['--version']);
  const folder = await mkdtemp(join(tmpdir(), 'usage-ledger-pgbouncer-'));
  const [port = 0] = await freePorts(1);
  const server = new URL(databaseUrl);
  const users = join(folder, 'users.txt');
  await writeFile(users, `"${server.username}" "${decodeURIComponent(server.password)}"\n`);
  const config = join(folder, 'pgbouncer.ini');
  await writeFile(
    config,
    [
      '[databases]',
      `* = host=${server.hostname} port=${server.port}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = scram-sha-256',
      `auth_file = ${users}`,
      `pool_mode = ${mode}`,
      // A server that was killed is asked again soon; the default of 15 s is half of our limit.
      'server_login_retry = 1',
      '',
    ].join('\n'),
  );
  // It does not run as root.
  const user = await unprivilegedUser();
  if (user !== undefined) {
    for (const path of [folder, users, config]) await chown(path, user.uid, user.gid);
  }
  await chmod(folder, 0o700);
  const child = spawn('pgbouncer', ['--quiet', config], { stdio: 'ignore', ...user });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${port}`;
  await until('PgBouncer answers', async () => {
    if (child.exitCode !== null) throw new Error(`PgBouncer ended with ${child.exitCode}`);
    const client = new pg.Client({ connectionString: url.href });
    client.on('error', () => {});
    const isUp = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => {});
    return isUp;
  });
  return {
    url: url.href,
    version: stdout.split('\n')[0] ?? '',
    async stop() {
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
