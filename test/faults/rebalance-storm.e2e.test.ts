import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { RunResult } from '../../src/cli/run-worker.ts';
import { withScene } from '../support/fault-scene.ts';
import { stackUrls } from '../support/stack.ts';

const STORM_S = 60;

// In a file of its own, to run concurrently with others: it takes a minute, mostly idle.
test('a group whose workers join and leave every second for a minute books every message once', async () => {
  await withScene(stackUrls(), 4, async ({ work, send, recovers, allBooked }) => {
    work();
    await send(200);
    const leaving: Promise<RunResult>[] = [];
    for (let second = 0; second < STORM_S; second += 1) {
      const guest = work();
      await send(30);
      await delay(1_000);
      // Not awaited: the next one joins while this one leaves.
      leaving.push(guest.stop());
    }
    const guests = await Promise.all(leaving);
    await recovers();
    await allBooked();
    // Partitions did go to and fro.
    expect(guests.some(({ counts }) => counts.applied > 0)).toBe(true);
  });
});
