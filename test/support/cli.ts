import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { nodeFlags } from '../../bench/node-flags.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface CliResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly process: ChildProcess;
  /** Standard error so far. */
  log(): string;
  readonly ended: Promise<CliResult>;
}

/**
 * Starts the command as a user's shell would, with nothing in the environment but `env`. It is the
 * built one, with the flags of the installed command; the run's set-up has built it from what is in src/.
 */
export function startCli(args: readonly string[], env: NodeJS.ProcessEnv): RunningCli {
  return startProgram([...nodeFlags(env), 'dist/main.js', ...args], env);
}

/** Starts the demo as `npm run demo` does. */
export function startDemo(args: readonly string[], env: NodeJS.ProcessEnv): RunningCli {
  return startProgram(['--import', 'tsx', 'tools/demo/main.ts', ...args], env);
}

function startProgram(args: readonly string[], env: NodeJS.ProcessEnv): RunningCli {
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
  return { process: child, log: () => stderr, ended };
}

/** Runs the command to its end. */
export function cli(args: readonly string[], env: NodeJS.ProcessEnv): Promise<CliResult> {
  return startCli(args, env).ended;
}
