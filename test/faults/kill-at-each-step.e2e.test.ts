import { beforeAll, describe, expect, test } from 'vitest';
import { COMPACTION_STEPS } from '../../src/ledger/compact-sessions.ts';
import { BatchPermits } from '../../src/worker/batch-permits.ts';
import { until } from '../support/until.ts';
import { WorkerProcess } from '../support/worker-process.ts';
import { breaks, calls, differencesFromPython, newWorld, type World } from '../support/world.ts';
import { WORKER_STEPS, type WorkerStep } from '../torture/worker-orders.ts';

/** Steps that a worker only reaches when it is stopped. */
const OF_THE_DRAIN = new Set<WorkerStep>(['draining', 'leaving_group']);
/** Steps of committing offsets to the broker. */
const OF_THE_COPY = new Set<WorkerStep>(['committing_to_kafka', 'committed_to_kafka']);
/** Steps that a worker comes to once it has nothing else to do, maybe once only. */
const OF_COMPACTION = new Set<WorkerStep>(COMPACTION_STEPS);
/** Small, so that a worker is killed amid many batches. */
const BATCH_MAX_EVENTS = '150';
/** So small that most calls have pages to merge. */
const TINY_BATCH_MAX_EVENTS = '5';
const REPEATED = 600;
const AT_ONCE = 6;
/** With other work on both cores. */
const START_LIMIT_MS = 110_000;

interface Aftermath {
  readonly killedBy: NodeJS.Signals | null;
  readonly log: string;
  readonly consumed: number;
  readonly differences: readonly string[];
  readonly breaks: readonly unknown[];
}

describe('a worker that is killed', () => {
  const aftermaths = new Map<WorkerStep, Promise<Aftermath>>();
  beforeAll(() => {
    // Some side by side: each waits for the group to notice that its worker is dead. All of them at
    // once would start a worker for each step, and wait for two cores.
    const permits = new BatchPermits(AT_ONCE);
    for (const step of WORKER_STEPS) {
      const aftermath = permits
        .acquire()
        .then(() => killedAt(step))
        .finally(() => permits.release());
      aftermath.catch(() => {});
      aftermaths.set(step, aftermath);
    }
  });

  test.each(WORKER_STEPS)(
    'at step %s leaves nothing half done: the next one books the rest, to the digit',
    async (step) => {
      const aftermath = await aftermaths.get(step);

      expect(aftermath?.killedBy, aftermath?.log).toBe('SIGKILL');
      expect(aftermath?.differences).toEqual([]);
      expect(aftermath?.breaks).toEqual([]);
      expect(aftermath?.consumed).toBe(calls.events.length + REPEATED);
    },
  );
});

async function killedAt(step: WorkerStep): Promise<Aftermath> {
  const world = await newWorld(2);
  try {
    await world.send(await world.encode([...calls.events, ...calls.events.slice(0, REPEATED)]));
    const isCompacting = OF_COMPACTION.has(step);
    const env = {
      ...world.env,
      BATCH_MAX_EVENTS: isCompacting ? TINY_BATCH_MAX_EVENTS : BATCH_MAX_EVENTS,
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      COMPACT_AFTER_S: '1',
    };
    const victim = new WorkerProcess(env);
    const whileDraining = OF_THE_DRAIN.has(step);
    // Offsets are committed at most twice a second, so a fast worker may commit only once.
    const isFirst = whileDraining || OF_THE_COPY.has(step) || isCompacting;
    const occurrence = isFirst ? 1 : 3;
    victim.order({ act: 'kill', step, occurrence, whileDraining });
    if (whileDraining) {
      await until('the worker has begun', async () => (await consumed(world)) > 0, START_LIMIT_MS);
    }
    const { signal } = await (whileDraining ? victim.stop() : victim.ended);

    await world.run();

    return {
      killedBy: signal,
      log: victim.log,
      consumed: await consumed(world),
      differences: await differencesFromPython(world.database),
      breaks: await breaks(world.database),
    };
  } finally {
    await world.close();
  }
}

async function consumed({ database }: World): Promise<number> {
  const { rows } = await database.query(
    'SELECT coalesce(sum(consumed), 0)::int AS n FROM consumed_range',
  );
  return rows[0]?.n ?? 0;
}
