import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bareEnvironment } from '../../tools/stack/child-environment.ts';
import { holdingTheLoop } from '../../tools/stack/managed-process.ts';
import type { Lab } from './combination.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Runs the built worker, as a process of its own, until it has caught up.
 *
 * @throws with the last thing that it logged, when it ends otherwise or not in time
 */
export async function runUntilCaughtUp(lab: Lab, env: Record<string, string>): Promise<void> {
  const { watchdog, env: outer } = lab.context;
  const log = join(watchdog.scratch, 'worker.log');
  const worker = await watchdog.spawn({
    file: process.execPath,
    args: [join(ROOT, 'dist', 'main.js'), 'run', '--until-caught-up'],
    env: { ...bareEnvironment(outer), ...env },
    log,
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, lab.deadlineMs, undefined);
  });
  const end = await holdingTheLoop(Promise.race([worker.exited, late]));
  clearTimeout(timer);
  if (end?.code === 0) return;
  if (end === undefined) process.kill(worker.pid, 'SIGKILL');
  const how =
    end === undefined
      ? `not caught up after ${lab.deadlineMs / 1_000} s`
      : `the worker ended with ${end.signal ?? `exit code ${end.code}`}`;
  throw new Error(`${how}; its log ends: ${await lastLine(log)}`);
}

/** Of the log lines of a worker, JSON or plain. */
async function lastLine(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const line = text.trimEnd().split('\n').at(-1) ?? '';
  try {
    const { msg, error } = JSON.parse(line) as { msg?: string; error?: string };
    return error === undefined ? `${msg}` : `${msg}: ${error}`;
  } catch {
    return line;
  }
}
