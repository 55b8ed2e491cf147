import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bareEnvironment } from '../../tools/stack/child-environment.ts';
import { freePorts } from '../../tools/stack/free-ports.ts';
import { startManaged } from '../../tools/stack/managed-process.ts';
import { postgresProbe } from '../../tools/stack/readiness.ts';
import { unprivilegedUser } from '../../tools/stack/unprivileged-user.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import { findProgram } from './programs.ts';

/** A pooler of the test's own in front of a Postgres. */
export interface PgBouncer {
  /** The same user and database as of the server, through the pooler. */
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts PgBouncer as it is by default, but for what it has to know.
 *
 * @param settings lines of pgbouncer.ini, such as `pool_mode = transaction`
 */
export async function startPgBouncer(
  serverUrl: string,
  settings: readonly string[],
): Promise<PgBouncer> {
  const file = findProgram('pgbouncer');
  if (file === undefined) throw new Error('pgbouncer is not installed');
  const watchdog = await Watchdog.start();
  const [port = 0] = await freePorts(1);
  const server = new URL(serverUrl);
  const home = join(watchdog.scratch, 'pgbouncer');
  await mkdir(home, { mode: 0o755 });
  const config = join(home, 'pgbouncer.ini');
  await writeFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port} user=${server.username} password=${server.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
${settings.join('\n')}
`,
    { mode: 0o644 },
  );
  const url = new URL(serverUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  const user = await unprivilegedUser();
  await startManaged(watchdog, {
    label: 'PgBouncer',
    stopSignal: 'SIGTERM',
    probe: postgresProbe(url.href),
    spec: {
      file,
      args: [config],
      env: bareEnvironment(process.env),
      cwd: '/',
      ...user,
      log: join(watchdog.scratch, 'pgbouncer.log'),
    },
  });
  return { url: url.href, stop: () => watchdog.close() };
}
