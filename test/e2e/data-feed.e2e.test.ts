import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await newWorld(3);
});
afterAll(async () => {
  await world.close();
});

const watermarks = async () =>
  (await world.database.query('SELECT * FROM billing_watermark ORDER BY partition')).rows;

test('a run until caught up leaves a watermark of every partition, also of one without records', async () => {
  const before = Date.now();
  // All of one session, so of one partition.
  const { session_id } = calls.events[0] as (typeof calls.events)[number];
  const events = calls.events.filter((event) => event.session_id === session_id);
  await world.send(await world.encode(events));

  await world.run();

  const rows = await watermarks();
  expect(rows.map(({ topic, partition }) => [topic, partition])).toEqual([
    [world.topic, 0],
    [world.topic, 1],
    [world.topic, 2],
  ]);
  for (const { applied_until } of rows) {
    expect(applied_until.getTime()).toBeGreaterThan(before - 10_000);
    expect(applied_until.getTime()).toBeLessThanOrEqual(Date.now());
  }
  const { rows: least } = await world.database.query(
    'SELECT min(applied_until) > now() - interval $$1 minute$$ AS is_recent FROM billing_watermark',
  );
  expect(least).toEqual([{ is_recent: true }]);
});

test('a replay leaves the watermarks as they are', async () => {
  const before = await watermarks();
  const replayed = await cli(['replay', '--from-beginning'], world.env);
  expect(replayed).toMatchObject({ code: 0 });
  expect(await watermarks()).toEqual(before);
});

test('sessions set-account prints what is affected, and a replay does not undo it', async () => {
  const { rows } = await world.database.query(
    'SELECT session_id, count(*)::int AS rows FROM session_model_usage GROUP BY 1 LIMIT 1',
  );
  const [{ session_id: session, rows: affected }] = rows;
  const set = (...more: string[]) =>
    cli(['sessions', 'set-account', '--session', session, ...more], world.env);

  const first = await set('--account', 'acme', '--reason', 'a test', '--json');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const answer = JSON.parse(first.stdout);
  expect(answer).toMatchObject({
    session_id: session,
    changed: true,
    account_after: 'acme',
    reason: 'a test',
  });
  expect(answer.usage).toHaveLength(affected);
  expect(await set('--account', 'acme')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${session}: the account is acme already`),
  });
  const last = await set('--account', 'umbrella');
  expect(last.stdout).toMatch(`${session}: account acme → umbrella; ${affected} row`);
  expect(last.stdout).toContain('input tokens');

  expect(await cli(['replay', '--from-beginning'], world.env)).toMatchObject({ code: 0 });
  const known = await world.database.query('SELECT account_id FROM session WHERE session_id = $1', [
    session,
  ]);
  expect(known.rows).toEqual([{ account_id: 'umbrella' }]);
  expect(await breaks(world.database)).toEqual([]);
});

test('sessions set-account exits 2 for a session that is not known', async () => {
  const args = ['sessions', 'set-account', '--session', 'nobody', '--account', 'acme', '--json'];
  expect(await cli(args, world.env)).toEqual({
    code: 2,
    stdout: '',
    stderr: 'usage-ledger: --session nobody: the ledger has no such session\n',
  });
});
