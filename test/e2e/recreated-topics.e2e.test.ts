import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { createKafka } from '../../src/kafka/client.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { EventProducer, type ProducedMessage } from '../../src/produce/event-producer.ts';
import { cli, startCli } from '../support/cli.ts';
import { recreateTopic } from '../support/recreate-topic.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

/**
 * A topic that is deleted, created again and filled past the position looks like the one before by
 * its offsets; its id distinguishes them. What lies before the position there was once never read.
 */
const example = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
const llm = (session_id: string, request_id: string, fields: object = {}): EventInput => ({
  ...example,
  session_id,
  metric: Object.assign({}, example.metric, { request_id }, fields),
});
const sessionOf = (session_id: string, count: number) =>
  Array.from({ length: count }, (_, i) => llm(session_id, `${session_id} ${i}`));

let world: World;
beforeEach(async () => {
  world = await newWorld(1);
});
afterEach(async () => {
  await world.close();
});
const kafka = () => createKafka(world.settings, createLogger('fatal'));
const command = (...args: string[]) => cli(args, world.env);
const partition = () => ['--topic', world.topic, '--partition', '0'];
const query = async (sql: string) => (await world.database.query(sql)).rows;
const nextOffset = async () =>
  (await query('SELECT next_offset::int AS n FROM consumer_position'))[0]?.n;
const billed = async () =>
  query('SELECT session_id, event_count::int AS n FROM session_model_usage ORDER BY 1');

/** A client that knew the topic before would send to what it was. */
async function sendByAnother(messages: readonly ProducedMessage[]): Promise<void> {
  const producer = new EventProducer(kafka(), world.topic);
  await producer.connect();
  for (const message of messages) await producer.add(message);
  await producer.flush();
  await producer.disconnect();
}

async function recreated(events: readonly EventInput[]): Promise<void> {
  await recreateTopic(kafka(), world.topic);
  await sendByAnother(await world.encode(events));
}

test('a topic recreated under a running worker, and filled past the position, halts with both ranges, and nothing is skipped', async () => {
  const worker = startCli(['run'], { ...world.env, LOG_LEVEL: 'info' });
  await world.send(await world.encode(sessionOf('old', 5)));
  await until('the old messages are read', async () => (await nextOffset()) === 5);

  await recreated(sessionOf('new', 12));

  await until('it halts', () =>
    /is halted at offset \d+: the topic was recreated/.test(worker.log()),
  );
  const what = `the topic was recreated: position ${await nextOffset()} belongs to topic id [-0-9a-f]{36}, the broker has topic id [-0-9a-f]{36} with offsets 0 to 11`;
  expect((await command('position', 'show')).stdout).toMatch(new RegExp(what));
  const accepted = await command('position', 'accept-loss', ...partition());
  expect(accepted.stdout).toMatch(/the topic was recreated at position \d+; .* reading it from 0/);
  await until('all of it is billed', async () =>
    (await billed()).some(({ session_id, n }) => session_id === 'new' && n === 12),
  );
  worker.process.kill('SIGTERM');
  expect((await worker.ended).code).toBe(0);
  expect(await billed()).toEqual([
    { session_id: 'new', n: 12 },
    { session_id: 'old', n: 5 },
  ]);
  expect(await breaks(world.database)).toEqual([]);
});

test('a topic recreated and filled while no worker ran is detected at the next start, also after a start that only halted', async () => {
  await world.send(await world.encode(sessionOf('old', 5)));
  await world.run();
  await recreated(sessionOf('new', 12));

  for (let start = 0; start < 2; start += 1) {
    const { halted } = await world.run();
    expect(halted).toMatchObject([
      { position: 5, detail: expect.stringMatching(/offsets 0 to 11/) },
    ]);
  }
  expect(await billed()).toEqual([{ session_id: 'old', n: 5 }]);

  expect((await command('position', 'accept-loss', ...partition())).code).toBe(0);
  expect((await world.run()).halted).toEqual([]);
  expect(await billed()).toEqual([
    { session_id: 'new', n: 12 },
    { session_id: 'old', n: 5 },
  ]);
  expect((await command('position', 'accept-loss', ...partition())).code).toBe(1);
});

test('dead letters and conflicts at reused offsets are kept, and decided one by one', async () => {
  const malformed = (text: string): ProducedMessage => ({ key: 'k', value: Buffer.from(text) });
  const encode = world.encode;
  const pair = (id: string, second: number) =>
    encode([llm(id, id, { prompt_tokens: 100 }), llm(id, id, { prompt_tokens: second })]);
  await world.send([...(await pair('old', 999)), malformed('old bytes')]);
  await world.run({ env: { DEAD_LETTER_LIMIT: '1' } });
  await recreateTopic(kafka(), world.topic);
  expect((await command('position', 'accept-loss', ...partition())).code).toBe(0);
  await sendByAnother([...(await pair('new', 500)), malformed('new bytes')]);
  const { counts } = await world.run({ env: { DEAD_LETTER_LIMIT: '1' } });

  expect(counts).toMatchObject({ applied: 1, conflict: 1, dead_letter: 1 });
  const deadLetters = await query(
    `SELECT convert_from(value, 'UTF8') AS text, kafka_offset::int AS at, generation AS g
      FROM dead_letter ORDER BY generation`,
  );
  expect(deadLetters).toEqual([
    { text: 'old bytes', at: 2, g: 0 },
    { text: 'new bytes', at: 2, g: 1 },
  ]);

  const at = (offset: number) => `${world.topic}/0/${offset}`;
  const ambiguous = await command('conflicts', 'accept', at(1));
  expect(ambiguous.code).toBe(1);
  expect(ambiguous.stderr).toContain(`pass one of: ${at(1)}@0, ${at(1)}@1`);
  const listed = JSON.parse((await command('conflicts', 'list', '--json')).stdout);
  expect(listed.map(({ id }: { id: string }) => id)).toEqual([`${at(1)}@0`, `${at(1)}@1`]);
  expect((await command('conflicts', 'accept', `${at(1)}@1`)).stdout).toBe(
    `${at(1)}@1: accepted\n`,
  );
  const usage = 'SELECT session_id, input_tokens::int AS n FROM session_model_usage ORDER BY 1';
  expect(await query(usage)).toEqual([
    { session_id: 'new', n: 500 },
    { session_id: 'old', n: 100 },
  ]);
  const decided = 'SELECT session_id, resolution FROM event_conflict ORDER BY 1';
  expect(await query(decided)).toEqual([
    { session_id: 'new', resolution: 'accepted' },
    { session_id: 'old', resolution: null },
  ]);

  const shown = await command('dead-letters', 'show', `${at(2)}@0`);
  expect(JSON.parse(shown.stdout)).toMatchObject({
    id: `${at(2)}@0`,
    value: Buffer.from('old bytes').toString('hex'),
  });
  expect((await command('dead-letters', 'discard', at(2), '--because', 'junk')).code).toBe(1);
  const discarded = await command('dead-letters', 'discard', `${at(2)}@0`, '--because', 'junk');
  expect(discarded.stdout).toBe('1 discarded\n');
  const left = await command('dead-letters', 'list', '--json');
  expect(JSON.parse(left.stdout).map(({ id }: { id: string }) => id)).toEqual([`${at(2)}@1`]);
  expect(await breaks(world.database)).toEqual([]);

  // What is counted in one life is not found in another.
  await world.database.query('DELETE FROM dead_letter WHERE generation = 1');
  await world.database.query('DELETE FROM event_conflict WHERE generation = 1');
  expect((await breaks(world.database)).map(({ check }) => check)).toEqual([
    'dead_letters_are_there',
    'conflicts_are_there',
  ]);
});
