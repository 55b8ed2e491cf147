import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * The process and all that descend from it. A process group is not enough: each Postgres backend
 * makes itself the leader of a session of its own.
 */
export async function processTree(root: number): Promise<number[]> {
  const found = [root];
  for (const pid of found) found.push(...(await childrenOf(pid)));
  return found;
}

async function childrenOf(pid: number): Promise<number[]> {
  if (process.platform === 'linux') {
    // One file per thread that forks; Postgres and the JVM fork from their first one.
    return numbers(await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => ''));
  }
  const listed = await promisify(execFile)('pgrep', ['-P', String(pid)]).catch(() => undefined);
  return numbers(listed?.stdout ?? '');
}

function numbers(text: string): number[] {
  return text.split(/\s+/).filter(Boolean).map(Number);
}

/** Signals each of the processes; those already gone are passed over. */
export function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Gone already, which is what most signals are for.
    }
  }
}
