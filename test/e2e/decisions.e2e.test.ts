import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { cli } from '../support/cli.ts';
import { recreateTopic } from '../support/recreate-topic.ts';
import { freshTopic } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
const changed = (fields: object): EventInput => ({ ...llm, metric: { ...llm.metric, ...fields } });

let world: World;
beforeEach(async () => {
  world = await newWorld(1);
});
afterEach(async () => {
  await world.close();
});
const command = (...args: string[]) => cli(args, world.env);
const admin = <T>(work: Parameters<typeof withAdmin<T>>[1]) =>
  withAdmin(createKafka(world.settings, createLogger('fatal')), work);

describe('a conflict', () => {
  const usage = async () =>
    (
      await world.database.query(
        'SELECT provider, model, input_tokens, event_count FROM session_model_usage ORDER BY 1, 2',
      )
    ).rows;

  test('that is accepted bills the difference as a correction, and the same payload later is resolved', async () => {
    const other = { model_name: 'another', model_provider: 'another' };
    const first = changed({ request_id: 'x', prompt_tokens: 100, metadata: other });
    const second = changed({ request_id: 'x', prompt_tokens: 70, metadata: other });
    const third = changed({ request_id: 'x', prompt_tokens: 90 });
    await world.send(await world.encode([first, second, third]));
    await world.run();

    const list = await command('conflicts', 'list', '--json');
    const ids = (JSON.parse(list.stdout) as { id: string }[]).map(({ id }) => id);
    expect(ids).toEqual([`${world.topic}/0/1`, `${world.topic}/0/2`]);
    expect((await command('conflicts', 'list')).stdout).toMatch(/prompt_tokens: 100 → 70/);

    expect((await command('conflicts', 'accept', ids[0] ?? '')).code).toBe(0);
    expect(await usage()).toMatchObject([{ input_tokens: '70', event_count: '1' }]);
    expect(await breaks(world.database)).toEqual([]);

    // To another model: it leaves the one row and goes to the other.
    expect((await command('conflicts', 'accept', ids[1] ?? '')).code).toBe(0);
    const rows = await usage();
    expect(rows.map(({ input_tokens }) => input_tokens).sort()).toEqual(['0', '90']);
    expect(await breaks(world.database)).toEqual([]);
    expect((await command('conflicts', 'accept', ids[1] ?? '')).code).toBe(1);

    await world.send(await world.encode([third]));
    expect((await world.run()).counts).toMatchObject({ conflict: 1 });
    expect((await command('conflicts', 'list')).stdout).toBe('no conflicts\n');
    expect(await breaks(world.database)).toEqual([]);
  });

  test('that is billed as well is an event of its own, and a duplicate in a replay', async () => {
    const second = changed({
      prompt_tokens: 70,
      metadata: { model_name: 'b', model_provider: 'b' },
    });
    await world.send(await world.encode([llm, second]));
    await world.run();
    const [first] = await usage();
    const id = `${world.topic}/0/1`;

    const decided = await command('conflicts', 'bill-both', id);
    expect(decided).toMatchObject({ code: 0, stdout: `${id}: billed both\n` });
    expect(await usage()).toEqual(
      expect.arrayContaining([
        first,
        { provider: 'b', model: 'b', input_tokens: '70', event_count: '1' },
      ]),
    );
    const list = await command('conflicts', 'list', '--all', '--json');
    expect(JSON.parse(list.stdout)).toMatchObject([{ id, resolution: 'billed_both' }]);
    expect(await command('conflicts', 'bill-both', id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`conflict ${id} was billed_both at`),
    });

    const before = await usage();
    const replay = await command('replay', '--from-beginning', '--json');
    expect(JSON.parse(replay.stdout)).toMatchObject({
      ranges: [{ duplicate: 2, applied: 0, conflict: 0 }],
    });
    await world.send(await world.encode([second]));
    expect((await world.run()).counts).toMatchObject({ duplicate: 1, conflict: 0 });
    expect(await usage()).toEqual(before);
    expect(await breaks(world.database)).toEqual([]);
    expect((await command('verify')).code).toBe(0);
  });

  test('that is dismissed changes nothing', async () => {
    await world.send(await world.encode([llm, changed({ prompt_tokens: 1 })]));
    await world.run();
    const before = await usage();

    expect((await command('conflicts', 'dismiss', `${world.topic}/0/1`)).code).toBe(0);

    expect(await usage()).toEqual(before);
    expect((await command('conflicts', 'list')).stdout).toBe('no conflicts\n');
    expect(await breaks(world.database)).toEqual([]);
    expect((await command('conflicts', 'dismiss', 'no/0/1')).code).toBe(1);
    expect((await command('conflicts', 'dismiss', 'nonsense')).code).toBe(2);
  });
});

describe('a dead letter', () => {
  test('is listed, shown, and applied by a redrive once its cause is fixed', async () => {
    const [good] = await world.encode([llm]);
    const framed = Buffer.from(good?.value ?? Buffer.alloc(0));
    framed.writeUInt32BE(0x7000_0000, 1);
    await world.send([
      { key: 'k', value: framed, headers: { trace: 'abc', binary: Buffer.from([0xff, 0]) } },
      { key: null, value: Buffer.from('garbage') },
    ]);
    await world.run({ env: { DEAD_LETTER_LIMIT: '1' } });
    const id = `${world.topic}/0/0`;

    const list = JSON.parse((await command('dead-letters', 'list', '--json')).stdout);
    expect(list).toHaveLength(2);
    expect(list[0]).toMatchObject({ id, reason: 'unknown_schema', headers: { trace: 'abc' } });
    const filtered = await command('dead-letters', 'list', '--reason', 'not_avro_framed', '--json');
    expect(JSON.parse(filtered.stdout)).toHaveLength(1);
    const shown = JSON.parse((await command('dead-letters', 'show', id)).stdout);
    expect(shown).toMatchObject({ today: { kind: 'dead_letter', reason: 'unknown_schema' } });

    const refused = await command('dead-letters', 'redrive');
    expect(refused).toMatchObject({ code: 1, stdout: expect.stringMatching(/2 still refused/) });

    // The cause is fixed: the bytes are valid now.
    await world.database.query('UPDATE dead_letter SET value = $1 WHERE kafka_offset = 0', [
      good?.value,
    ]);
    const dry = await command('dead-letters', 'redrive', id, '--dry-run');
    expect(dry.stdout).toBe('would be: 1 applied\n');
    expect((await command('dead-letters', 'list', '--json')).stdout).toContain(id);
    expect((await command('dead-letters', 'redrive', id)).stdout).toBe('1 applied\n');
    expect((await command('dead-letters', 'redrive', id)).stdout).toMatch(/already resolved/);
    const { rows } = await world.database.query('SELECT count(*)::int AS n FROM usage_event');
    expect(rows).toEqual([{ n: 1 }]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('is copied to KAFKA_DEAD_LETTER_TOPIC with its bytes, and its origin and reason as headers', async () => {
    const copies = await freshTopic(1);
    const value = Buffer.from([1, 2, 3]);
    await world.send([{ key: 'k', value, headers: { trace: 'abc' } }]);

    await world.run({ env: { KAFKA_DEAD_LETTER_TOPIC: copies } });

    const kafka = new Kafka({
      brokers: [...world.settings.KAFKA_BROKERS],
      logLevel: logLevel.NOTHING,
    });
    const consumer = kafka.consumer({ groupId: `reads-${copies}` });
    const seen: { key: Buffer | null; value: Buffer | null; headers?: object | undefined }[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic: copies, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        seen.push(message);
      },
    });
    await until('the copy is read', () => seen.length > 0);
    await consumer.disconnect();
    expect(seen).toMatchObject([{ key: Buffer.from('k'), value }]);
    expect(seen[0]?.headers).toMatchObject({
      trace: Buffer.from('abc'),
      usage_ledger_reason: Buffer.from('not_avro_framed'),
      usage_ledger_topic: Buffer.from(world.topic),
      usage_ledger_partition: Buffer.from('0'),
      usage_ledger_offset: Buffer.from('0'),
    });
  });
});

describe('a position', () => {
  test('after which offsets were lost continues after accept-loss in a running worker, recorded in the books', async () => {
    const messages = await world.encode(calls.events.slice(0, 20));
    await world.send(messages.slice(0, 5));
    await world.run();
    await world.send(messages.slice(5));
    await admin(async (client) => {
      await client.fetchTopicOffsets(world.topic);
      await client.deleteTopicRecords({
        topic: world.topic,
        partitions: [{ partition: 0, offset: '9' }],
      });
    });
    const where = ['--topic', world.topic, '--partition', '0'];
    const stop = new AbortController();
    const run = world.run({ untilCaughtUp: false, signal: stop.signal });
    const shown = await command('position', 'show');
    expect(shown.stdout).toMatch(/offsets 5 to 8 were deleted/);
    expect(shown.stdout).toContain(`run: usage-ledger position accept-loss ${where.join(' ')}`);

    const accepted = await command('position', 'accept-loss', ...where);
    expect(accepted.stdout).toMatch(/loss of offsets 5 to 8 accepted/);
    await until('the rest is applied', async () => {
      const { rows } = await world.database.query('SELECT next_offset FROM consumer_position');
      return rows[0]?.next_offset === '20';
    });
    stop.abort();
    await run;

    const { rows } = await world.database.query(
      `SELECT first_offset, next_offset, consumed, note FROM consumed_range ORDER BY first_offset`,
    );
    expect(rows).toEqual([
      { first_offset: '0', next_offset: '5', consumed: '5', note: null },
      {
        first_offset: '5',
        next_offset: '9',
        consumed: '0',
        note: 'loss of offsets 5 to 8 accepted',
      },
      { first_offset: '9', next_offset: '20', consumed: '11', note: null },
    ]);
    expect(await breaks(world.database)).toEqual([]);
    expect((await command('position', 'accept-loss', ...where)).code).toBe(1);
  });

  test('in a recreated topic continues from its beginning after accept-loss', async () => {
    const messages = await world.encode(calls.events.slice(0, 20));
    await world.send(messages.slice(0, 15));
    await world.run();
    await recreateTopic(createKafka(world.settings, createLogger('fatal')), world.topic);
    const where = ['--topic', world.topic, '--partition', '0'];
    expect((await command('position', 'accept-loss', ...where)).stdout).toMatch(
      /reading it from 0/,
    );
    const kafka = createKafka(world.settings, createLogger('fatal'));
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic: world.topic, messages: messages.slice(15) });
    await producer.disconnect();

    const { halted } = await world.run();

    expect(halted).toEqual([]);
    const { rows } = await world.database.query('SELECT next_offset, pass FROM consumer_position');
    expect(rows).toEqual([{ next_offset: '5', pass: 1 }]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('can be set, which starts another pass with a note', async () => {
    await world.send(await world.encode(calls.events.slice(0, 20)));
    await world.run();
    const where = ['--topic', world.topic, '--partition', '0'];
    expect((await command('position', 'set', ...where, '--offset', '21')).code).toBe(2);
    expect((await command('position', 'set', ...where, '--offset', '10')).code).toBe(0);

    const { counts } = await world.run();

    expect(counts.applied).toBe(0);
    const { rows } = await world.database.query(
      'SELECT first_offset, next_offset, note FROM consumed_range WHERE pass = 1',
    );
    expect(rows).toEqual([
      { first_offset: '10', next_offset: '20', note: 'position set from 20 to 10' },
    ]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('that is set is used by a running worker, also when the topic is idle', async () => {
    await world.send(await world.encode(calls.events.slice(0, 20)));
    const stop = new AbortController();
    const run = world.run({ untilCaughtUp: false, signal: stop.signal });
    const position = async () =>
      (await world.database.query('SELECT next_offset, pass FROM consumer_position')).rows[0];
    await until('all is read', async () => (await position())?.next_offset === '20');

    const where = ['--topic', world.topic, '--partition', '0'];
    expect((await command('position', 'set', ...where, '--offset', '10')).code).toBe(0);

    await until('it is read again', async () => {
      const now = await position();
      return now?.pass === 1 && now?.next_offset === '20';
    });
    stop.abort();
    await run;
    expect(await breaks(world.database)).toEqual([]);
  });
});
