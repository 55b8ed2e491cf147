import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunResult } from '../../src/cli/run-worker.ts';
import { withScene } from '../support/fault-scene.ts';
import { stackUrls } from '../support/stack.ts';

const STORM_S = 60;
const MOST_S = 66;
/** Where other work has the cores, each of the sixty workers takes longer to join and to leave. */
const TIMEOUT_MS = 300_000;

// In a file of its own, to run concurrently with others: it takes a minute, mostly idle.
test(
  'a group whose workers join and leave every second for a minute books every message once',
  async () => {
    await withScene(stackUrls(), 4, async ({ work, send, recovers, allBooked }) => {
      work();
      await send(200);
      const leaving: Promise<RunResult>[] = [];
      let hasMoved = false;
      // Partitions must go to and fro: where other work has the cores, a guest may take longer to join.
      for (let second = 0; second < STORM_S || (!hasMoved && second < MOST_S); second += 1) {
        const guest = work();
        await send(30);
        await delay(second < STORM_S ? 1_000 : 5_000);
        // Not awaited: the next one joins while this one leaves.
        const left = guest.stop().then((result) => {
          hasMoved ||= result.counts.applied > 0;
          return result;
        });
        leaving.push(left);
      }
      await Promise.all(leaving);
      await recovers();
      await allBooked();
      expect(hasMoved).toBe(true);
    });
  },
  TIMEOUT_MS,
);
