import { afterEach, beforeEach, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { breaks, calls, differencesFromPython, newWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await newWorld(2);
  await world.send(await world.encode(calls.events));
});
afterEach(async () => {
  await world.close();
});

interface Replay {
  ranges: {
    partition: number;
    from_offset: number;
    to_offset: number;
    [outcome: string]: number;
  }[];
}

async function replay(...args: string[]): Promise<Replay['ranges']> {
  const { code, stdout, stderr } = await cli(['replay', '--json', ...args], world.env);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  return (JSON.parse(stdout) as Replay).ranges;
}

const sum = (ranges: Replay['ranges'], name: string) =>
  ranges.reduce((total, range) => total + (range[name] ?? 0), 0);

test('a replay of everything applies nothing twice, has its own books and does not change the group', async () => {
  await world.run();
  const position = async () =>
    (
      await world.database.query('SELECT * FROM consumer_position WHERE group_id = $1', [
        world.settings.KAFKA_GROUP_ID,
      ])
    ).rows;
  const before = await position();

  const ranges = await replay('--from-beginning');

  expect(sum(ranges, 'applied')).toBe(0);
  expect(sum(ranges, 'duplicate')).toBe(2_032);
  expect(sum(ranges, 'ignored')).toBe(352);
  expect(await position()).toEqual(before);
  expect(await differencesFromPython(world.database)).toEqual([]);
  expect(await breaks(world.database)).toEqual([]);
});

test('a dry run prints what would be applied, counted once, and changes nothing', async () => {
  // Everything twice: the second time is a duplicate, also when nothing is written in between.
  await world.send(await world.encode(calls.events));

  const ranges = await replay('--from-beginning', '--dry-run');

  expect(sum(ranges, 'applied')).toBe(2_032);
  expect(sum(ranges, 'duplicate')).toBe(2_032);
  const tables = ['session', 'ledger_page', 'consumer_position', 'consumed_range', 'dead_letter'];
  for (const table of tables) {
    const { rows } = await world.database.query(`SELECT count(*)::int AS n FROM ${table}`);
    expect([table, rows[0]?.n]).toEqual([table, 0]);
  }
});

test('a replay of a range reads exactly that range, and restores what was lost', async () => {
  await world.run();
  await world.database.query('TRUNCATE session_model_usage, consumed_range, consumer_position');
  await world.database.query('DELETE FROM ledger_page');
  await world.database.query('UPDATE session SET revision = revision + 1');

  const part = await replay('--partition', '1', '--from-offset', '10', '--to-offset', '20');
  expect(part).toMatchObject([{ partition: 1, from_offset: 10, to_offset: 20 }]);
  expect(sum(part, 'applied') + sum(part, 'ignored')).toBe(10);

  const all = await replay('--from-timestamp', '2020-01-01T00:00:00Z');
  expect(sum(all, 'applied')).toBe(2_032 - sum(part, 'applied'));
  expect(await differencesFromPython(world.database)).toEqual([]);
});

test('wrong usage of replay exits with 2', async () => {
  const wrong = [
    [],
    ['--from-beginning', '--from-offset', '3'],
    ['--from-offset', '-3'],
    ['--from-offset', '100', '--to-offset', '50'],
    ['--from-offset', '99999'],
    ['--from-timestamp', 'yesterday'],
    ['--from-beginning', '--partition', '17'],
  ];
  for (const args of wrong) {
    expect([args, (await cli(['replay', ...args], world.env)).code]).toEqual([args, 2]);
  }
  expect((await cli(['replay', '--from-beginning', '--dry-run'], world.env)).stdout).toMatch(
    /nothing was changed/,
  );
});
