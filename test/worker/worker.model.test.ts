import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Random } from '../../src/simulate/random.ts';
import { type ModelOptions, runModel } from './model/run.ts';

/*
 * Seeded interleavings of two real workers of one group over a broker and a database in memory, which
 * answer when the seed says so: late, in another order, with an error before or after the effect, or
 * after the client has given up. `MODEL_SEED=17` runs one seed, `MODEL_RUNS=5000` more of them.
 *
 * What must hold at every step: a batch holds every record of its offsets and nothing else; ranges of
 * the books touch; nothing is applied for a partition that was revoked, nor after the worker stopped;
 * no copy of a position is ahead of it. Once nothing fails any more: every partition is applied to its
 * end, but for what retention deleted and a person gave up, and its copy is current.
 *
 * Changes of the worker that it was seen to find within 20 seeds, each of them undone:
 * - a position that is found after a lost answer is not compared with the batch (apply-batch.ts);
 * - reading resumes from the offset that the group committed, not from the position (assignment.ts);
 * - the loops of an assignment that was revoked are not closed (assignment.ts);
 * - a position is copied to the broker before its batch is applied (apply-batch.ts);
 * - a fetch that begins elsewhere than asked is queued without another lookup (partition-loop.ts).
 */

vi.mock('node:timers/promises', () => import('./model/promise-timers.ts'));

const SEED = process.env['MODEL_SEED'];
const RUNS = Number(process.env['MODEL_RUNS'] ?? 200);
/** Many times what a run takes, for machines that are busy with other work. */
const TIMEOUT_MS = RUNS * 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function run(options: ModelOptions): Promise<void> {
  vi.clearAllTimers();
  vi.setSystemTime(0);
  // The jitter of waits.
  const random = new Random(options.seed, 1);
  vi.spyOn(Math, 'random').mockImplementation(() => random.unit());
  try {
    await runModel(options);
  } catch (error) {
    throw new Error(`MODEL_SEED=${options.seed}: ${(error as Error).message}`, { cause: error });
  }
}

test('two workers apply every record once, whatever fails and in whatever order', {
  timeout: TIMEOUT_MS,
}, async () => {
  const seeds = SEED === undefined ? Array.from({ length: RUNS }, (_, i) => i) : [Number(SEED)];
  for (const seed of seeds) await run({ seed });
});

test('without the fence of the position the model finds ranges that do not touch', async () => {
  const booked = async () => {
    for (let seed = 0; seed < 50; seed += 1) await run({ seed, hasFence: false });
  };
  await expect(booked()).rejects.toThrow(/comes \d+ to \d+ of pass/);
});
