import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from './node-flags.ts';
import { cpuSecondsOf } from './postgres-cpu.ts';

const PROGRAM = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** A worker as it is installed, in a process of its own. */
export class DayWorker {
  readonly #child: ChildProcess;

  constructor(env: NodeJS.ProcessEnv) {
    this.#child = start(env, ['run'], 'ignore');
    // A bench that fails leaves no worker running.
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid ?? 0);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) throw new Error('the worker ended by itself');
    this.#child.kill('SIGTERM');
    await once(this.#child, 'close');
  }
}

/** Runs a command of the program; `undefined` where it has no such command. */
export async function runCommand(
  env: NodeJS.ProcessEnv,
  name: string,
  args: readonly string[],
): Promise<{ readonly seconds: number } | undefined> {
  const help = await outputOf(env, ['--help']);
  if (!new RegExp(`^ +${name}\\b`, 'm').test(help.output)) return undefined;
  const begun = performance.now();
  const { code, output } = await outputOf(env, [name, ...args]);
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${output}`);
  return { seconds: (performance.now() - begun) / 1_000 };
}

async function outputOf(env: NodeJS.ProcessEnv, args: readonly string[]) {
  const child = start(env, args, ['ignore', 'pipe', 'inherit']);
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

function start(
  env: NodeJS.ProcessEnv,
  args: readonly string[],
  stdio: 'ignore' | ['ignore', 'pipe', 'inherit'],
): ChildProcess {
  return spawn(process.execPath, [...nodeFlags(env), PROGRAM, ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio,
  });
}
