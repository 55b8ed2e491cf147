import { setTimeout as delay } from 'node:timers/promises';
import { WORKER_STEPS, type WorkerStep } from '../worker-orders.ts';
import { type Fault, feedUntil } from './scene.ts';

/** Longer than KAFKA_SESSION_TIMEOUT_MS of the torture's workers. */
const BEYOND_SESSION_MS = 6_500;
const DRAIN_STEPS = new Set<WorkerStep>(['draining', 'leaving_group']);

/** What happens to the workers themselves. */
export const WORKER_FAULTS = {
  'kill at a step': async (scene) => {
    const { fleet, random } = scene;
    const victims = fleet.workers.slice(0, random.integer(1, fleet.workers.length));
    await Promise.all(
      victims.map(async (victim) => {
        let step = scene.steps.draw();
        while (DRAIN_STEPS.has(step)) step = scene.steps.draw();
        const occurrence = random.integer(1, 4);
        victim.order({ act: 'kill', step, occurrence, whileDraining: false });
        await feedUntil(scene, `a worker comes to ${step}`, () => victim.end !== undefined);
        scene.killed(step);
      }),
    );
    fleet.refill();
  },

  'kill at a step of the drain': async (scene) => {
    const { fleet, random } = scene;
    const [victim] = fleet.workers;
    if (victim === undefined) return;
    const step = random.pick(WORKER_STEPS);
    victim.order({ act: 'kill', step, occurrence: 1, whileDraining: true });
    scene.feed();
    const { signal } = await victim.stop();
    // A drain need not come to every step.
    if (signal === 'SIGKILL') scene.killed(`drain: ${step}`);
    fleet.refill();
  },

  'kill at any time': async (scene) => {
    const { fleet, random } = scene;
    const victims = fleet.workers.slice(0, random.integer(1, fleet.workers.length));
    await Promise.all(
      victims.map(async (victim) => {
        await delay(random.integer(0, 800));
        await fleet.kill(victim);
        scene.killed('any time');
      }),
    );
    fleet.refill();
  },

  'freeze beyond the session': async (scene) => {
    const { fleet, random } = scene;
    const [victim] = fleet.workers;
    if (victim === undefined) return;
    const step = random.pick(['fenced', 'pages_written', 'usage_added', 'books_kept'] as const);
    const occurrence = random.integer(1, 3);
    let frozen = false;
    void victim.frozenAt({ step, occurrence, whileDraining: false }).then(() => {
      frozen = true;
    });
    await feedUntil(scene, `a worker is frozen at ${step}`, () => frozen);
    await delay(BEYOND_SESSION_MS);
    victim.signal('SIGCONT');
  },

  'a worker joins and leaves': async ({ fleet, random }) => {
    const guest = fleet.add();
    await delay(random.integer(1_500, 4_000));
    fleet.remove(guest);
    const { code, signal } = await guest.stop();
    if (code !== 0) throw new Error(`the guest ended with ${signal ?? code}:\n${guest.log}`);
  },

  // As a terminal's Ctrl-C and service managers signal: the whole group, and npm passes a copy on.
  'a signal to the process group': async ({ fleet, random }) => {
    const [victim] = fleet.workers;
    if (victim === undefined) return;
    fleet.remove(victim);
    const signal = random.pick(['SIGTERM', 'SIGINT'] as const);
    await victim.started;
    victim.signalGroup(signal);
    await delay(random.integer(0, 300));
    victim.signal(signal);
    const end = await victim.ended;
    if (end.code !== 0) {
      throw new Error(
        `${signal}, twice, ended a worker with ${end.signal ?? end.code}:\n${victim.log}`,
      );
    }
    fleet.add();
  },
} as const satisfies Record<string, Fault>;
