import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { OutcomeCounts } from '../src/records/message.ts';
import { nodeFlags } from './node-flags.ts';

export interface Drain {
  readonly counts: OutcomeCounts;
  readonly batches: number;
  /** From the start of the worker, joining the group included, to its last commit. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

const WORKER = fileURLToPath(new URL('./drain-worker.mjs', import.meta.url));

/**
 * Runs workers of one group side by side, each in a process, until they have drained the topic.
 *
 * @param program the worker's, of this build or another one
 */
export async function drain(env: NodeJS.ProcessEnv, workers = 1, program = WORKER): Promise<Drain> {
  const drains = await Promise.all(Array.from({ length: workers }, () => drainOne(env, program)));
  return drains.reduce((a, b) => ({
    counts: a.counts,
    batches: a.batches + b.batches,
    seconds: Math.max(a.seconds, b.seconds),
    cpuSeconds: a.cpuSeconds + b.cpuSeconds,
    peakRssMb: Math.max(a.peakRssMb, b.peakRssMb),
  }));
}

async function drainOne(env: NodeJS.ProcessEnv, program: string): Promise<Drain> {
  const child = spawn(process.execPath, [...nodeFlags(env), program], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`a worker of the bench ended with ${code}: ${output}`);
  return JSON.parse(output) as Drain;
}
