import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MINIMUM_JAVA } from './versions.ts';

const run = promisify(execFile);

/** The java command: of JAVA_HOME when that is set, else the one on the PATH. */
export function javaCommand(env: NodeJS.ProcessEnv): string {
  const home = env['JAVA_HOME'];
  return home ? join(home, 'bin', 'java') : 'java';
}

/** What is wrong with this machine's Java; undefined when it will do. */
export async function javaProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const answer = await run(javaCommand(env), ['-version'], { env }).catch(() => undefined);
  if (answer === undefined) return 'Java was not found';
  const version = /version "(\d+)/.exec(answer.stderr + answer.stdout)?.[1];
  if (version === undefined || Number(version) >= MINIMUM_JAVA) return undefined;
  return `Java ${version} is too old`;
}

/** What is wrong with this machine's Maven; undefined when it will do. */
export async function mavenProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const found = await run('mvn', ['--version'], { env }).then(
    () => true,
    () => false,
  );
  return found ? undefined : 'Maven was not found';
}
