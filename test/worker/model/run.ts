import { vi } from 'vitest';
import { Random } from '../../../src/simulate/random.ts';
import { Faults } from './faults.ts';
import { unfinished, unread, wrongCopies } from './invariants.ts';
import { ModelWorld } from './world.ts';

/** Not the one that fake timers put in its place. */
const realImmediate = setImmediate;
const STEPS = 160;
/** Without faults, in milliseconds of the model: more than every look and every wait together. */
const RECOVERY_MS = 120_000;
const TICK_MS = 500;

export interface ModelOptions {
  readonly seed: number;
  /** `false`: the database takes batches wherever the position stands. */
  readonly hasFence?: boolean;
}

/**
 * One interleaving of two workers, with faults, then without until all is read. Timers are faked by
 * the caller.
 *
 * @throws when an invariant does not hold, with the last of what was done until then
 */
export async function runModel({ seed, hasFence = true }: ModelOptions): Promise<void> {
  const random = new Random(seed, 0);
  const world = new ModelWorld(random, hasFence);
  const faults = new Faults(world, random);
  /** Whatever can be done without time or an answer is done. */
  const runReady = async () => {
    await new Promise<void>((resolve) => realImmediate(resolve));
    require(world, [...world.violations, ...world.postgres.gaps, ...wrongCopies(world)]);
  };
  const passUntil = async (isDone: () => boolean) => {
    for (let ms = 0; ms < RECOVERY_MS && !isDone(); ms += TICK_MS) {
      await world.acceptLosses();
      vi.advanceTimersByTime(TICK_MS);
      await runReady();
    }
  };
  world.assign(() => random.pick(world.members));
  await runReady();
  faults.begin();
  for (let step = 0; step < STEPS; step += 1) {
    faults.next();
    await runReady();
  }
  faults.end();
  // Otherwise the last assignment stands, and no other lookup makes up for what it missed.
  if (random.chance(0.5)) world.assign(() => random.pick(world.members));
  await passUntil(() => unfinished(world).length === 0);
  require(world, [...unfinished(world), ...unread(world)]);
  let isStopped = false;
  void world.stop().then(() => {
    isStopped = true;
  });
  await passUntil(() => isStopped);
  require(world, isStopped ? [] : ['a worker does not stop']);
}

function require({ trace }: ModelWorld, wrong: readonly string[]): void {
  if (wrong.length > 0) throw new Error([...wrong, 'after:', ...trace.slice(-60)].join('\n  '));
}
