import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { breaks, calls, differencesFromPython, newWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await newWorld(2);
});
afterAll(async () => {
  await world.close();
});

const rows = async (sql: string) => (await world.database.query(sql)).rows;
const pages = async () => (await rows('SELECT count(*)::int AS n FROM ledger_page'))[0].n;
const waiting = async () => (await rows('SELECT count(*)::int AS n FROM uncompacted_session'))[0].n;
const events = async () =>
  (await rows(`SELECT to_jsonb(event)::text AS e FROM usage_event AS event ORDER BY 1`)).map(
    ({ e }) => e,
  );

test('workers merge the pages of quiet calls in the background, and the command does so at once', async () => {
  const half = calls.events.length >> 1;
  await world.send(await world.encode(calls.events.slice(0, half)));
  // Small batches, and so several pages for each call.
  const small = { BATCH_MAX_EVENTS: '5', COMPACT_AFTER_S: 'off' };
  await world.run({ env: small });
  const before = await pages();
  const entries = await events();

  const stop = new AbortController();
  const worker = world.run({
    env: { COMPACT_AFTER_S: '1' },
    untilCaughtUp: false,
    signal: stop.signal,
  });
  await until('every call is compacted', async () => (await waiting()) === 0);
  stop.abort();
  await worker;

  expect(await pages()).toBeLessThan(before / 2);
  expect(await events()).toEqual(entries);
  expect(await breaks(world.database)).toEqual([]);

  // More of the same calls, and those that were compacted once more.
  await world.send(await world.encode(calls.events));
  await world.run({ env: small });
  const grown = await pages();
  const nothing = await cli(['compact', '--quiet-for', '3600', '--json'], world.env);
  const compacted = await cli(['compact', '--quiet-for', '0'], world.env);

  expect(JSON.parse(nothing.stdout)).toEqual({
    quiet_for_s: 3_600,
    sessions: 0,
    pages_before: 0,
    pages_after: 0,
  });
  expect(compacted).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d+ sessions compacted: \d+ pages merged into \d+\n$/),
  });
  expect(await pages()).toBeLessThan(grown);
  expect(await differencesFromPython(world.database)).toEqual([]);
  expect(await breaks(world.database)).toEqual([]);
});
