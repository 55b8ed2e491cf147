import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { processTree, signalAll } from './process-tree.ts';

/** What a stack leaves on the machine unless it is tidied up. */
export class Remains {
  /** Running processes, with the signal that ends each. */
  readonly processes = new Map<number, NodeJS.Signals>();
  /** Files and folders. */
  readonly paths = new Set<string>();
}

const ORDERLY_END_MS = 4_000;
const POLL_MS = 20;

/** Ends all processes, then removes all paths. */
export async function tidyUp({ processes, paths }: Remains): Promise<void> {
  await Promise.all([...processes].map(([pid, signal]) => endProcess(pid, signal)));
  await Promise.all(
    [...paths].map((path) => rm(path, { recursive: true, force: true, maxRetries: 10 })),
  );
}

async function endProcess(pid: number, signal: NodeJS.Signals): Promise<void> {
  const tree = await processTree(pid);
  signalAll([pid], signal);
  // One that a test had paused would never handle the signal.
  signalAll(tree, 'SIGCONT');
  const deadline = performance.now() + ORDERLY_END_MS;
  while (isAlive(pid)) {
    if (performance.now() > deadline) {
      signalAll([...new Set([...tree, ...(await processTree(pid))])], 'SIGKILL');
    }
    await delay(POLL_MS);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
