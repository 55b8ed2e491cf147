import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  breaks,
  calls,
  differencesFromPython,
  laterCalls,
  newWorld,
  shuffled,
  type World,
} from '../support/world.ts';

describe('recorded calls', () => {
  let world: World;
  beforeEach(async () => {
    world = await newWorld(4);
  });
  afterEach(async () => {
    await world.close();
  });

  test('produced once, they give exactly the rows of the Python implementation', async () => {
    await world.send(await world.encode(calls.events));

    const { counts } = await world.run();

    expect(counts).toEqual({
      applied: 2032,
      duplicate: 0,
      ignored: 352,
      conflict: 0,
      dead_letter: 0,
    });
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('of livekit-agents 1.8.9, produced once, they give exactly its rows', async () => {
    await world.send(await world.encode(laterCalls.events));

    const { counts } = await world.run();

    expect(counts).toEqual({
      applied: 2220,
      duplicate: 0,
      ignored: 460,
      conflict: 0,
      dead_letter: 0,
    });
    expect(await differencesFromPython(world.database, laterCalls)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('produced three times, shuffled and read in two runs with other batch sizes, they give identical rows', async () => {
    const messages = await world.encode(calls.events);
    const thrice = shuffled([...messages, ...messages, ...messages], 20_261_124);
    const half = Math.floor(thrice.length / 2);

    await world.send(thrice.slice(0, half));
    const first = await world.run({ env: { BATCH_MAX_EVENTS: '7' } });
    await world.send(thrice.slice(half));
    const second = await world.run({ env: { BATCH_MAX_EVENTS: '1000' } });

    const total = (name: keyof typeof first.counts) => first.counts[name] + second.counts[name];
    expect(total('applied')).toBe(2032);
    expect(total('duplicate')).toBe(2 * 2032);
    expect(total('ignored')).toBe(3 * 352);
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('read again by a second group, they are duplicates and change no row', async () => {
    await world.send(await world.encode(calls.events));
    await world.run();

    const { counts } = await world.run({ env: { KAFKA_GROUP_ID: 'a-second-group' } });

    expect(counts).toMatchObject({ applied: 0, duplicate: 2032, ignored: 352 });
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });
});
