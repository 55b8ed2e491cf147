import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunResult } from '../../src/cli/run-worker.ts';
import { withScene } from '../support/fault-scene.ts';
import { stackUrls } from '../support/stack.ts';

const STORM_S = 60;
/** Where other work has the cores, each of the sixty workers takes longer to join and to leave. */
const TIMEOUT_MS = 300_000;

// In a file of its own, to run concurrently with others: it takes a minute, mostly idle.
test(
  'a group whose workers join and leave every second for a minute books every message once',
  async () => {
    await withScene(stackUrls(), 4, async ({ work, send, hasBooked, recovers, allBooked }) => {
      const first = work();
      await send(200);
      await hasBooked(1);
      const leaving: Promise<RunResult>[] = [];
      for (let second = 0; second < STORM_S; second += 1) {
        const guest = work();
        await send(30);
        await delay(1_000);
        // Not awaited: the next one joins while this one leaves.
        leaving.push(guest.stop());
      }
      // Where other work has the cores, a second is too short to be given a partition. The first
      // worker leaves as well, so that they move for certain.
      work();
      const { counts } = await first.stop();
      await Promise.all(leaving);
      await recovers();
      await allBooked();
      expect(counts.applied).toBeGreaterThan(0);
    });
  },
  TIMEOUT_MS,
);
