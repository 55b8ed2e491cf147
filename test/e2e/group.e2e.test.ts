import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { breaks, calls, differencesFromPython, newWorld, type World } from '../support/world.ts';

describe('a group of workers', () => {
  let world: World;
  beforeEach(async () => {
    world = await newWorld(4);
  });
  afterEach(async () => {
    await world.close();
  });

  test('of which one joins and one leaves midway writes the same rows, and the books balance', async () => {
    const messages = await world.encode(calls.events);
    const third = Math.floor(messages.length / 3);
    const env = { BATCH_MAX_EVENTS: '20' };
    const stopFirst = new AbortController();
    const stopSecond = new AbortController();

    const first = world.run({ env, signal: stopFirst.signal, untilCaughtUp: false });
    await world.send(messages.slice(0, third));
    await until('the first worker has begun', async () => (await consumed(world)) > 0);

    const second = world.run({ env, signal: stopSecond.signal, untilCaughtUp: false });
    await world.send(messages.slice(third, 2 * third));
    await until('two thirds are read', async () => (await consumed(world)) >= 2 * third);

    await world.send(messages.slice(2 * third));
    stopFirst.abort();
    await first;
    await until('all is read', async () => (await consumed(world)) >= messages.length);
    stopSecond.abort();
    await second;

    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('exits when every partition is caught up', async () => {
    await world.send(await world.encode(calls.events));

    const results = await Promise.all([world.run(), world.run(), world.run()]);

    const applied = results.reduce((sum, { counts }) => sum + counts.applied, 0);
    expect(applied).toBe(2032);
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });
});

async function consumed({ database }: World): Promise<number> {
  const { rows } = await database.query(
    'SELECT coalesce(sum(consumed), 0)::int AS n FROM consumed_range',
  );
  return rows[0]?.n ?? 0;
}
