import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { calls, newWorld, type World } from '../support/world.ts';

let world: World;
let folder: string;
beforeAll(async () => {
  world = await newWorld(1);
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-json-'));
  const lines = calls.events.slice(0, 10).map((event) => JSON.stringify(event));
  await writeFile(join(folder, 'events.jsonl'), lines.join('\n'));
});
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true });
});

/** What a command prints; anything but JSON throws. */
async function json(...args: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await cli([...args, '--json'], world.env);
  expect([code, stderr.replace(/^sending simulated calls.*\n/, '')]).toEqual([0, '']);
  return JSON.parse(stdout);
}

test('with --json, standard output is JSON and nothing else, whatever the command does', async () => {
  const { topic } = world;
  const at = ['--topic', topic, '--partition', '0'];
  expect(await json('migrate')).toMatchObject({ schema: 'usage_ledger', applied: [] });
  expect(await json('schemas', 'register')).toMatchObject([{ subject: `${topic}-value` }]);
  expect(await json('schemas', 'check')).toMatchObject([{ compatible: true }]);
  const file = join(folder, 'events.jsonl');
  expect(await json('produce', '--file', file)).toMatchObject({ topic, sent: 10 });
  expect(await json('simulate', '--sessions', '1')).toMatchObject({ topic, sessions: 1 });
  await world.run();
  expect(await json('position', 'show')).toMatchObject([{ topic, partition: 0, lag: 0 }]);
  expect(await json('position', 'set', ...at, '--offset', '0')).toMatchObject({
    group_id: world.settings.KAFKA_GROUP_ID,
    topic,
    partition: 0,
    done: expect.stringMatching(/./),
  });
  expect(await json('dead-letters', 'list')).toEqual([]);
  expect(await json('dead-letters', 'redrive')).toEqual({
    dry_run: false,
    outcomes: {},
    refused: [],
  });
  expect(await json('conflicts', 'list')).toEqual([]);
  expect(await json('replay', '--from-beginning', '--dry-run')).toMatchObject({ dry_run: true });
  expect(await json('verify')).toMatchObject({ ok: true });
});
