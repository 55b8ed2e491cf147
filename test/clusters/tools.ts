import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cached } from '../../tools/stack/cache.ts';
import { definedOnly } from '../../tools/stack/child-environment.ts';
import { runToEnd } from '../../tools/stack/managed-process.ts';
import { type Lab, NotTriedError } from './combination.ts';

/** The folder of the programs in other languages. */
export const PYTHON = fileURLToPath(new URL('./python/', import.meta.url));
export const JAVA = fileURLToPath(new URL('./java/', import.meta.url));
const GO = fileURLToPath(new URL('./go/', import.meta.url));

const REQUIREMENTS = join(PYTHON, 'requirements.txt');

/** The version of a package, as requirements.txt or go.mod pin it. */
export function pinnedVersion(name: string): string {
  const text = readFileSync(REQUIREMENTS, 'utf8') + readFileSync(join(GO, 'go.mod'), 'utf8');
  const line = text
    .split('\n')
    .find((candidate) => /^[\w./-]+/.exec(candidate.trim())?.[0] === name);
  if (line === undefined) throw new Error(`no version of ${name} is pinned`);
  return line.replace(/^.*(==| v)/, '');
}

/** The folder of the Python packages, to be named by PYTHONPATH. */
export async function pythonPackages(lab: Lab): Promise<string> {
  const version = await versionOf('python3', ['--version']);
  const requirements = readFileSync(REQUIREMENTS);
  const digest = createHash('sha256').update(version).update(requirements).digest('hex');
  return await prepared(lab, `python-${digest.slice(0, 8)}`, (directory) => ({
    file: 'python3',
    args: ['-m', 'pip', 'install', '--target', directory, '--requirement', REQUIREMENTS],
    cwd: PYTHON,
  }));
}

/** The program in Go. */
export async function goProgram(lab: Lab): Promise<string> {
  await versionOf('go', ['version']);
  const built = join(lab.context.watchdog.scratch, 'clusters-go');
  // Go has a cache of its own, in which all but the first build end at once.
  await attempted(lab, { file: 'go', args: ['build', '-o', built, '.'], cwd: GO });
  return built;
}

async function versionOf(command: string, args: readonly string[]): Promise<string> {
  return await promisify(execFile)(command, args).then(
    ({ stdout }) => stdout,
    () => {
      throw new NotTriedError(`${command} was not found`);
    },
  );
}

interface Step {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
}

async function prepared(lab: Lab, name: string, step: (directory: string) => Step) {
  const { env, watchdog, progress } = lab.context;
  return await cached({
    env,
    watchdog,
    name,
    onWait: () => progress(`${name}: waiting for another download to finish`),
    fill: async (directory) => await attempted(lab, step(directory)),
  });
}

async function attempted({ context }: Lab, step: Step): Promise<void> {
  const { env, watchdog } = context;
  const log = join(watchdog.scratch, 'preparation.log');
  await runToEnd(watchdog, `${step.file} ${step.args[0]}`, {
    ...step,
    env: definedOnly(env),
    log,
  }).catch((error: unknown) => {
    throw new NotTriedError(error instanceof Error ? error.message : String(error));
  });
}
