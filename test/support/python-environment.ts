import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cached } from '../../tools/stack/cache.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';

const REQUIREMENTS = fileURLToPath(
  new URL('../../clients/python/tests/requirements.txt', import.meta.url),
);
/** Some 400 MB, on a slow line. */
export const INSTALL_TIMEOUT_MS = 900_000;
const OUTPUT_LIMIT_BYTES = 64 * 1_024 * 1_024;

const execute = promisify(execFile);

/**
 * The Python program of a virtual environment with that version of livekit-agents, from the cache or
 * from PyPI (about 400 MB). Throws as `pythonWith` does.
 */
export async function pythonWithLiveKit(version: string): Promise<string> {
  const requirements = ['-r', REQUIREMENTS, `livekit-agents==${version}`];
  return pythonWith(`livekit-agents-${version}`, requirements, readFileSync(REQUIREMENTS));
}

/**
 * The Python program of a virtual environment with some packages, from the cache or from PyPI. Throws,
 * saying what to install, where Python has no `venv` or PyPI does not answer.
 *
 * @param requirements arguments of `pip install`
 * @param contents of the files that they name
 */
export async function pythonWith(
  name: string,
  requirements: readonly string[],
  contents: Buffer = Buffer.alloc(0),
): Promise<string> {
  const python = await systemPython();
  const digest = createHash('sha256')
    .update(contents)
    .update(requirements.filter((text) => text !== REQUIREMENTS).join(' '))
    .update(python)
    .digest('hex')
    .slice(0, 8);
  const watchdog = await Watchdog.start();
  try {
    const environment = await cached({
      env: process.env,
      watchdog,
      name: `${name}-${digest}`,
      onWait: () => process.stderr.write(`${name}: waiting for another download\n`),
      fill: async (directory) => {
        process.stderr.write(`${name}: installing from PyPI\n`);
        await install(directory, name, requirements);
      },
    });
    return join(environment, 'bin', 'python');
  } finally {
    await watchdog.close();
  }
}

/** What identifies the Python that environments are made from. */
async function systemPython(): Promise<string> {
  const script =
    'import sys, venv, ensurepip; print(sys.version, sys.base_prefix, sys.version_info >= (3, 10))';
  const result = await execute('python3', ['-c', script]).catch((error: Error) => error);
  if (result instanceof Error || !result.stdout.trim().endsWith('True')) {
    const found = result instanceof Error ? result.message : result.stdout;
    throw new Error(
      `the tests need python3, 3.10 or later, with venv: apt-get install python3 python3-venv\n${found}`,
    );
  }
  return result.stdout;
}

/** An environment is moved once it is whole: of its programs only `python` works afterwards. */
async function install(
  directory: string,
  name: string,
  requirements: readonly string[],
): Promise<void> {
  await execute('python3', ['-m', 'venv', directory]);
  const python = join(directory, 'bin', 'python');
  await execute(python, ['-m', 'pip', 'install', '--quiet', ...requirements], {
    maxBuffer: OUTPUT_LIMIT_BYTES,
  }).catch((error: { stderr?: string } & Error) => {
    throw new Error(
      `${name} could not be installed, which the tests need; is PyPI reachable?\n${error.stderr ?? error.message}`,
    );
  });
}
