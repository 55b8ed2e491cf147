import { setTimeout as delay } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type pg from 'pg';
import { withAdmin } from '../../src/kafka/admin.ts';
import type { Random } from '../../src/simulate/random.ts';
import type { ManagedProcess } from '../../src/stack/stack.ts';
import { until } from '../support/until.ts';
import type { Fleet } from './fleet.ts';
import { WORKER_STEPS, type WorkerStep } from './worker-orders.ts';

/** What a fault may break. */
export interface Scene {
  readonly random: Random;
  readonly fleet: Fleet;
  readonly kafka: Kafka;
  readonly services: Readonly<Record<'kafka' | 'registry' | 'postgres', ManagedProcess>>;
  /** Of a superuser, and not one of the worker's. */
  readonly observer: pg.Pool;
  readonly topic: string;
  readonly groupId: string;
  /** Steps at which a worker is still to be killed, and which then begin anew. */
  readonly steps: Deck<WorkerStep>;
  /** More events, so that the workers come to their next steps. */
  feed(): void;
  /** Counts a kill. */
  killed(at: string): void;
}

/** Breaks something and mends it; settles at the fault's end. */
export type Fault = (scene: Scene) => Promise<void>;

/** Longer than KAFKA_SESSION_TIMEOUT_MS of the torture's workers. */
const BEYOND_SESSION_MS = 6_500;
const DRAIN_STEPS = new Set<WorkerStep>(['draining', 'leaving_group']);
const STEP_TIMEOUT_MS = 60_000;

/** Draws all of the cards, in an order that the seed decides, before any comes again. */
export class Deck<T> {
  readonly #cards: readonly T[];
  readonly #random: Random;
  #left: T[] = [];

  constructor(cards: readonly T[], random: Random) {
    this.#cards = cards;
    this.#random = random;
  }

  draw(): T {
    if (this.#left.length === 0) this.#left = [...this.#cards];
    return this.#left.splice(this.#random.integer(0, this.#left.length - 1), 1)[0] as T;
  }
}

export const FAULTS = {
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

  'Postgres stops at once': async ({ services, random }) => {
    await services.postgres.kill('SIGQUIT');
    await delay(random.integer(0, 2_000));
    await services.postgres.start();
  },

  'Postgres does not answer': async ({ services, random }) => {
    await services.postgres.pause();
    await delay(random.integer(500, 6_000));
    await services.postgres.resume();
  },

  'connections to Postgres are cut': async ({ observer, random }) => {
    for (let i = random.integer(1, 5); i > 0; i -= 1) {
      await observer.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'usage-ledger'`,
      );
      await delay(random.integer(10, 200));
    }
  },

  'Kafka is killed': async ({ services, random }) => {
    await services.kafka.kill();
    await delay(random.integer(0, 2_000));
    await services.kafka.start();
  },

  'Kafka does not answer': async ({ services, random }) => {
    await services.kafka.pause();
    await delay(random.integer(1_000, 12_000));
    await services.kafka.resume();
  },

  'the registry is killed': async (scene) => {
    const { fleet, services } = scene;
    await services.registry.kill();
    // Who has just started knows no schema.
    for (const victim of fleet.workers) {
      await fleet.kill(victim);
      scene.killed('registry away');
    }
    fleet.refill();
    await services.registry.start();
  },

  'a worker joins and leaves': async ({ fleet, random }) => {
    const guest = fleet.add();
    await delay(random.integer(1_500, 4_000));
    fleet.remove(guest);
    const { code, signal } = await guest.stop();
    if (code !== 0) throw new Error(`the guest ended with ${signal ?? code}:\n${guest.log}`);
  },

  'the group is set back': async ({ fleet, kafka, random, topic, groupId, observer }) => {
    const size = fleet.workers.length;
    await fleet.stop();
    const { rows } = await observer.query<{ partition: number; next_offset: string }>(
      'SELECT partition, next_offset FROM consumer_position WHERE topic = $1',
      [topic],
    );
    const { partition, next_offset } = random.pick(rows);
    const back = random.integer(0, 3_000);
    const offset = String(Math.max(Number(next_offset) - back, 0));
    await withAdmin(kafka, (admin) =>
      admin.setOffsets({ groupId, topic, partitions: [{ partition, offset }] }),
    );
    for (let i = 0; i < size; i += 1) fleet.add();
  },
} as const satisfies Record<string, Fault>;

export type FaultName = keyof typeof FAULTS;

/** How often each fault is drawn. */
const WEIGHTS: Readonly<Record<FaultName, number>> = {
  'kill at a step': 8,
  'kill at a step of the drain': 3,
  'kill at any time': 3,
  'freeze beyond the session': 1,
  'Postgres stops at once': 1,
  'Postgres does not answer': 1,
  'connections to Postgres are cut': 1,
  'Kafka is killed': 1,
  'Kafka does not answer': 1,
  'the registry is killed': 1,
  'a worker joins and leaves': 1,
  'the group is set back': 1,
};

/** The cards of the long torture. */
export const ALL_FAULTS: readonly FaultName[] = (Object.keys(WEIGHTS) as FaultName[]).flatMap(
  (name) => Array<FaultName>(WEIGHTS[name]).fill(name),
);

async function feedUntil(scene: Scene, what: string, holds: () => boolean): Promise<void> {
  let last = 0;
  await until(
    what,
    () => {
      if (Date.now() - last > 500) {
        last = Date.now();
        scene.feed();
      }
      return holds();
    },
    STEP_TIMEOUT_MS,
  );
}
