import { readdirSync, readFileSync } from 'node:fs';
import type { BenchDatabase } from './services.ts';

/** Clock ticks of the kernel, of which there are 100 a second on every Linux there is. */
const TICKS_PER_SECOND = 100;

/**
 * Processor time that the server has taken since its start, ended connections included, in seconds;
 * `undefined` where its processes cannot be seen from here (a container, another system).
 */
export async function postgresCpuSeconds(database: BenchDatabase): Promise<number | undefined> {
  const [row] = await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const server = processOf(row?.pid ?? 0);
  if (server?.name !== 'postgres') return undefined;
  const postmaster = server.parent;
  let ticks = processOf(postmaster)?.ticks ?? 0;
  for (const entry of readdirSync('/proc')) {
    const child = /^\d+$/.test(entry) ? processOf(Number(entry)) : undefined;
    if (child?.parent === postmaster) ticks += child.ticks;
  }
  return ticks / TICKS_PER_SECOND;
}

/** Processor time that a process has taken, its threads and ended children included, in seconds. */
export function cpuSecondsOf(pid: number): number {
  return (processOf(pid)?.ticks ?? 0) / TICKS_PER_SECOND;
}

/** Source: proc(5), /proc/pid/stat: comm, ppid, and utime, stime, cutime, cstime. */
function processOf(pid: number): { name: string; parent: number; ticks: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { name, parent: Number(fields[1]), ticks };
  } catch {
    return undefined;
  }
}
