import { afterAll, beforeAll, expect, test } from 'vitest';
import { llm } from '../identify/samples.ts';
import { breaks, newWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await newWorld(1);
});
afterAll(async () => {
  await world.close();
});

/** 2^63 is reached by the 1,025th of them: from there on Postgres rejects each. */
const huge = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    session_id: 'call',
    metric: llm({ request_id: `request ${from + i}`, prompt_tokens: Number.MAX_SAFE_INTEGER - 1 }),
  }));

test('dead letters that only Postgres finds halt the partition, also within a batch', async () => {
  await world.send(await world.encode(huge(0, 3_000)));

  const { counts, halted } = await world.run();

  // 257 of 1,281 are the first more than a fifth.
  expect(counts).toMatchObject({ applied: 1_024, dead_letter: 257 });
  expect(halted).toMatchObject([
    {
      partition: 0,
      position: 1_281,
      state: 'halted',
      detail: expect.stringMatching(/^257 of its last 1281 messages are dead letters, more than/),
    },
  ]);
  const { rows } = await world.database.query(
    'SELECT next_offset, (SELECT count(*)::int FROM dead_letter) AS dead_letters FROM consumer_position',
  );
  expect(rows).toEqual([{ next_offset: '1281', dead_letters: 257 }]);
  expect(await breaks(world.database)).toEqual([]);
});
