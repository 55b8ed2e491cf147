import type { Kafka } from 'kafkajs';
import type pg from 'pg';
import type { Random } from '../../../src/simulate/random.ts';
import type { ManagedProcess } from '../../../tools/stack/stack.ts';
import { until } from '../../support/until.ts';
import type { Fleet } from '../fleet.ts';
import type { FleetingTopic } from '../fleeting-topic.ts';
import type { NonsenseProxy } from '../nonsense-proxy.ts';
import type { WorkerStep } from '../worker-orders.ts';

/** What a fault may break. */
export interface Scene {
  readonly random: Random;
  readonly fleet: Fleet;
  readonly kafka: Kafka;
  readonly services: Readonly<Record<'kafka' | 'registry' | 'postgres', ManagedProcess>>;
  /** Between the workers and the registry. */
  readonly registry: NonsenseProxy;
  /** Of a superuser, and not one of the worker's. */
  readonly observer: pg.Pool;
  readonly topic: string;
  readonly groupId: string;
  /** A second topic of the workers, with events of its own. */
  readonly fleeting: FleetingTopic;
  /** Steps at which a worker is still to be killed, and which then begin again. */
  readonly steps: Deck<WorkerStep>;
  /** More events, so that the workers come to their next steps. */
  feed(): void;
  /** Waits until more is booked in every partition of the topic. */
  advance(): Promise<void>;
  /** Counts a kill. */
  killed(at: string): void;
}

/** Breaks something and repairs it; resolves at the fault's end. */
export type Fault = (scene: Scene) => Promise<void>;

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

export async function feedUntil(scene: Scene, what: string, holds: () => boolean): Promise<void> {
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
