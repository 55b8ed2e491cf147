import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ProducedMessage } from '../../src/produce/event-producer.ts';
import { cli, type RunningCli, startCli } from '../support/cli.ts';
import { until } from '../support/until.ts';
import { breaks, newWorld, type World } from '../support/world.ts';

let world: World;
beforeEach(async () => {
  world = await newWorld(1);
});
afterEach(async () => {
  await world.close();
});
const command = (...args: string[]) => cli(args, world.env);
const partition = () => ['--topic', world.topic, '--partition', '0'];
const nextOffset = async () =>
  (await world.database.query('SELECT next_offset::int AS n FROM consumer_position')).rows[0]?.n;

const bad: ProducedMessage = { key: 'k', value: Buffer.from('not an event') };
/** A tombstone, which is ignored. */
const good = { key: 'k', value: null } as unknown as ProducedMessage;
const times = (count: number, message: ProducedMessage) => new Array(count).fill(message);

const haltedAt = (worker: RunningCli, offset: number) =>
  until(`it halts at ${offset}`, () => worker.log().includes(`is halted at offset ${offset}:`));

// It once halted again after every 1,000 messages of the flood that was there, its cause fixed or not.
test('after position resume the present dead letters do not count, and later ones do', async () => {
  await world.send([...times(3_000, bad), ...times(100, good)]);
  const worker = startCli(['run'], { ...world.env, LOG_LEVEL: 'info' });
  await haltedAt(worker, 1_000);
  const resume = `usage-ledger position resume ${partition().join(' ')}`;
  expect(worker.log()).toContain(`fix the cause, then run: ${resume}`);
  expect(worker.log()).toContain('only what is sent after that counts towards the limit again');
  await until('position show names the halt', async () =>
    (await command('position', 'show')).stdout.includes('halted: 1000 of its last 1000 messages'),
  );

  const resumed = await command('position', 'resume', ...partition());
  expect(resumed.stdout).toBe(
    `${world.topic}/0: resumed; dead letters from offset 3100 on count towards DEAD_LETTER_LIMIT\n`,
  );
  await until('all is read', async () => (await nextOffset()) === 3_100);
  expect((await command('position', 'resume', ...partition())).stderr).toMatch(/is not halted/);

  await world.send([...times(900, good), ...times(300, bad)]);
  // 226 of 1,126 are the first share above 0.2.
  await haltedAt(worker, 3_100 + 900 + 226);
  worker.process.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  expect(await breaks(world.database)).toEqual([]);
});

test('a restart resumes the partition, and the present dead letters count again', async () => {
  await world.send(times(3_000, bad));
  expect((await world.run()).halted).toMatchObject([{ position: 1_000 }]);
  expect((await command('position', 'show')).stdout).toMatch(/halted: 1000 of its last 1000/);

  // A supervisor restarts as well: a flood whose cause is not fixed does not pass unjudged.
  expect((await world.run()).halted).toMatchObject([{ position: 2_000 }]);

  expect(await nextOffset()).toBe(2_000);
  expect((await command('position', 'show')).stdout).toMatch(/halted: 1000 of its last 1000/);
});

test('dead letters are discarded by filter or id, with a reason, and keep their bytes', async () => {
  await world.send([...times(3, bad), { key: 'k', value: Buffer.from([0, 0, 0, 0, 9, 9]) }]);
  await world.run({ env: { DEAD_LETTER_LIMIT: '1' } });
  const discard = (...args: string[]) => command('dead-letters', 'discard', ...args);

  expect((await discard('--reason', 'not_avro_framed')).stderr).toMatch(/--because/);
  expect((await discard('--because', 'x')).stderr).toMatch(/no dead letters selected/);
  const because = ['--because', 'a load test'];
  expect((await discard(`${world.topic}/0/0`, ...because)).stdout).toBe('1 discarded\n');
  expect((await discard(`${world.topic}/0/0`, ...because)).stdout).toMatch(/already resolved/);
  const none = { code: 1, stderr: expect.stringContaining('no open dead letter matches') };
  expect(await discard('--partition', '1', ...because)).toMatchObject(none);
  expect(await command('dead-letters', 'redrive', '--partition', '1')).toMatchObject(none);
  const both = [`${world.topic}/0/1`, '--partition', '0'];
  expect((await discard(...both, ...because)).code).toBe(2);
  expect((await command('dead-letters', 'redrive', ...both)).code).toBe(2);
  const filtered = await discard('--reason', 'not_avro_framed', ...partition(), ...because);
  expect(filtered.stdout).toBe('2 discarded\n');

  const left = JSON.parse((await command('dead-letters', 'list', '--json')).stdout);
  expect(left).toMatchObject([{ id: `${world.topic}/0/3`, reason: 'unknown_schema' }]);
  const { rows } = await world.database.query(
    `SELECT value, resolution FROM dead_letter WHERE resolved_at IS NOT NULL`,
  );
  expect(rows).toEqual(
    times(3, { value: bad.value, resolution: 'discarded: a load test' } as never),
  );
  expect((await command('dead-letters', 'redrive')).stdout).toMatch(/1 still refused/);
  expect(await breaks(world.database)).toEqual([]);
});
