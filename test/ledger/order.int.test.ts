import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { breaks, calls } from '../support/world.ts';

/** So few that the same rows and identities occur often. */
const values = calls.events.slice(0, 120).map(encoded);

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

const USAGE = `SELECT session_id, usage_type, provider, model, input_tokens, output_tokens,
  input_cached_tokens, session_duration::text, audio_duration::text, characters_count,
  total_requests, event_count, first_event_at, last_event_at
  FROM session_model_usage ORDER BY session_id, usage_type, provider, model`;

async function usage(): Promise<unknown[]> {
  return (await world.database.query(USAGE)).rows;
}

async function bookInOrder(): Promise<unknown[]> {
  await world.clear();
  const partition = await world.partition(0);
  await partition.book(
    world.ledger(),
    values.map((value) => (offset) => messageAt(offset, value)),
  );
  return usage();
}

/** A schedule: which event comes next, in which partition, and where a batch ends. */
const step = fc.record({
  event: fc.nat({ max: values.length - 1 }),
  partition: fc.nat({ max: 2 }),
  endsBatch: fc.boolean(),
  restarts: fc.boolean(),
});

test('any order, batching, partitioning and repetition of the same events gives the same rows', async () => {
  const expected = await bookInOrder();

  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 80 }), async (steps) => {
      await world.clear();
      let ledger = world.ledger();
      const partitions = await Promise.all([0, 1, 2].map((n) => world.partition(n)));
      const waiting: Buffer[][] = [[], [], []];
      const flush = async (n: number) => {
        const batch = waiting[n]?.splice(0) ?? [];
        await partitions[n]?.book(
          ledger,
          batch.map((value) => (offset) => messageAt(offset, value)),
        );
      };
      for (const { event, partition, endsBatch, restarts } of steps) {
        waiting[partition]?.push(values[event] as Buffer);
        if (endsBatch) await flush(partition);
        // A restarted worker has cached nothing.
        if (restarts) ledger = world.ledger();
      }
      // So that every event has come at least once in the end.
      for (const [i, value] of values.entries()) waiting[i % 3]?.push(value);
      await Promise.all([flush(0), flush(1), flush(2)]);

      expect(await usage()).toEqual(expected);
      expect(await breaks(world.database)).toEqual([]);
    }),
    { numRuns: 40 },
  );
});

test('two ledgers that write to the same sessions concurrently apply every event once', async () => {
  const expected = await bookInOrder();
  await world.clear();
  const [left, right] = [world.ledger(), world.ledger()];
  const [a, b] = await Promise.all([world.partition(0, 'left'), world.partition(0, 'right')]);

  for (let at = 0; at < values.length; at += 10) {
    const batch = values
      .slice(at, at + 10)
      .map((value) => (offset: number) => messageAt(offset, value));
    await Promise.all([a.book(left, batch), b.book(right, [...batch].reverse())]);
  }

  expect(await usage()).toEqual(expected);
  expect(await breaks(world.database)).toEqual([]);
});
