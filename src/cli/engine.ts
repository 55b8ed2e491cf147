import { setFlagsFromString } from 'node:v8';

/**
 * Settings of V8 for a process that moves hundreds of thousands of small things a second through a
 * small heap (docs/performance.md has what they move):
 *
 * - the heap may grow by half over what is in use before it is collected, and not to a multiple:
 *   that holds the process under 300 MB;
 * - the collector works in the thread that it works for: on cores that are busy anyway, its helpers
 *   cost more than they save;
 * - a function must have run four times as long as by default before it is optimized: that spares
 *   the compiler, which runs beside the worker, the hundreds that are busy at the start only.
 *
 * A version that does not have one of them goes on without it.
 */
export const SETTINGS = [
  '--heap-growing-percent=50',
  '--no-parallel-scavenge',
  '--no-concurrent-marking',
  '--interrupt-budget=528000',
];

export function tuneEngine(): void {
  for (const setting of SETTINGS) setFlagsFromString(setting);
}
