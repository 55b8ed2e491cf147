import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import type { RunResult } from '../../src/cli/run-worker.ts';
import { endsOf, laggingPartitions } from './lagging-partitions.ts';
import type { StackUrls } from './stack-urls.ts';
import { until } from './until.ts';
import {
  breaks,
  calls,
  differencesFromPython,
  newWorld,
  type RunChoices,
  shuffled,
  type World,
} from './world.ts';

/** The recorded calls on their way through workers, while a test breaks something. */
export interface FaultScene {
  readonly world: World;
  /** Starts a worker in this process; it ends with the scene, or when it is stopped. */
  work(choices?: RunChoices): WorkerInProcess;
  /** Sends the next events. */
  send(count: number): Promise<void>;
  /** Messages booked so far, in all passes. */
  booked(): Promise<number>;
  /** Waits until `count` messages are booked, within the limit if there is one. */
  hasBooked(count: number, limitMs?: number): Promise<void>;
  /** Asserts that what is sent from now on, the fault having ended, is booked within the limit. */
  recovers(limitMs?: number): Promise<void>;
  /** Sends the rest, waits until it is booked, stops the workers, and checks totals and books. */
  allBooked(): Promise<void>;
  close(): Promise<void>;
}

export interface WorkerInProcess {
  stop(): Promise<RunResult>;
}

/** After any single fault events are booked again so soon after its end. */
export const RECOVERY_MS = 10_000;
/** Where Kafka has to wait for the session of a member that is gone. */
export const SESSION_RECOVERY_MS = 30_000;
const AFTER_THE_FAULT = 40;

/** Runs a test on a scene of its own. */
export async function withScene(
  urls: StackUrls,
  partitions: number,
  run: (scene: FaultScene) => Promise<void>,
): Promise<void> {
  const scene = await newScene(urls, partitions);
  try {
    await run(scene);
  } finally {
    await scene.close();
  }
}

async function newScene(urls: StackUrls, partitions: number): Promise<FaultScene> {
  const world = await newWorld(partitions, urls);
  // Shuffled, so that every batch is of many sessions.
  const messages = shuffled(await world.encode(calls.events), 1);
  const running = new Set<{ abort: AbortController; result: Promise<RunResult> }>();
  let sent = 0;
  let failure: unknown;

  const booked = async () => {
    // A fault may be on: then nothing is known.
    const found = await world.database
      .query<{ n: number }>('SELECT coalesce(sum(consumed), 0)::int AS n FROM consumed_range')
      .catch(() => undefined);
    return found?.rows[0]?.n ?? -1;
  };
  const whenBooked = (what: string, count: number, limitMs?: number) =>
    until(
      what,
      async () => {
        if (failure !== undefined) throw failure;
        return (await booked()) >= count;
      },
      limitMs,
    );
  /** By offsets: a send that was repeated left some messages in the topic twice. */
  const isRead = async () => {
    const ends = await endsOf(world);
    await until('all is booked', async () => {
      if (failure !== undefined) throw failure;
      // A fault may be on: then nothing is known.
      return (await laggingPartitions(world, ends).catch(() => undefined))?.length === 0;
    });
  };
  const scene: FaultScene = {
    world,
    work(choices = {}) {
      const abort = new AbortController();
      const env = { BATCH_MAX_EVENTS: '40', ...choices.env };
      const result = world.run({ ...choices, env, signal: abort.signal, untilCaughtUp: false });
      result.catch((error: unknown) => {
        failure ??= error;
      });
      const worker = { abort, result };
      running.add(worker);
      return {
        async stop() {
          running.delete(worker);
          abort.abort();
          return await result;
        },
      };
    },
    async send(count) {
      const next = messages.slice(sent, sent + count);
      sent += next.length;
      for (;;) {
        try {
          await world.send(next);
          return;
        } catch {
          await delay(100);
        }
      }
    },
    booked,
    hasBooked: (count, limitMs) => whenBooked(`${count} messages are booked`, count, limitMs),
    async recovers(limitMs = RECOVERY_MS) {
      const ended = Date.now();
      const before = Math.max(await booked(), 0);
      await scene.send(AFTER_THE_FAULT);
      const what = 'events are booked again after the fault';
      await whenBooked(what, before + 1, limitMs - (Date.now() - ended));
    },
    async allBooked() {
      await scene.send(messages.length);
      await isRead();
      for (const { abort, result } of running) {
        abort.abort();
        await result;
      }
      running.clear();
      expect(await differencesFromPython(world.database)).toEqual([]);
      expect(await breaks(world.database)).toEqual([]);
    },
    async close() {
      for (const { abort } of running) abort.abort();
      await Promise.allSettled([...running].map(({ result }) => result));
      await world.close();
    },
  };
  return scene;
}
