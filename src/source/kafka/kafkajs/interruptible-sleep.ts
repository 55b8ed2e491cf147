/*
 * kafkajs: a member whose partitions are all paused sleeps `maxWaitTimeInMs` before it looks again.
 * Not good enough: the worker pauses and resumes partitions all the time, and each resume would cost up
 * to that long.
 * Replaced: `utils/sleep.js`, by a sleep that `wakeAll` ends.
 */
import type { Patch } from './patch.ts';

const sleeping = new Set<() => void>();

/** Settles after a time, or when everybody is woken. */
export function sleepUntilWoken(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      sleeping.delete(end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    sleeping.add(end);
  });
}

export function wakeAll(): void {
  for (const end of sleeping) end();
}

export const interruptibleSleep: Patch = {
  file: 'utils/sleep.js',
  replace: () => sleepUntilWoken,
};
