import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { haltOf } from '../../src/ledger/halt.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import { begin, beginReplay, keepHalt, positionsOf } from '../../src/ledger/positions.ts';
import type { Message } from '../../src/records/message.ts';
import { Worker } from '../../src/worker/worker.ts';
import { llm } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { onePartition } from '../support/memory-source/one-partition.ts';
import { until } from '../support/until.ts';
import { billable } from './messages.ts';

let world: LedgerWorld;
let events = 0;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

/** A new event whose record has a Kafka time, and whose own time is another. */
const eventAt =
  (kafkaTime: string | number, eventTime = '2026-03-01T12:00:00Z') =>
  (offset: number): Message => {
    events += 1;
    const session = { sessionId: `call-${events}`, eventUs: Date.parse(eventTime) * 1_000 };
    const message = billable(llm({ request_id: `event-${events}` }), session, offset);
    const timestamp = typeof kafkaTime === 'number' ? kafkaTime : Date.parse(kafkaTime);
    return { ...message, record: { ...message.record, timestamp } };
  };

async function watermarks(): Promise<Record<string, string>> {
  const { rows } = await world.database.query('SELECT * FROM billing_watermark ORDER BY 1, 2');
  return Object.fromEntries(
    rows.map(({ topic, partition, applied_until }) => [
      `${topic}/${partition}`,
      applied_until.toISOString(),
    ]),
  );
}
const watermark = async () => (await watermarks())['ledger-world/0'];
const days = async () => {
  const { rows } = await world.database.query(
    'SELECT day::text AS day FROM billing_day ORDER BY 1',
  );
  return rows.map(({ day }) => day);
};
const late = async () => {
  const { rows } = await world.database.query(
    'SELECT day::text AS day, kafka_offset FROM late_usage ORDER BY kafka_offset',
  );
  return rows.map(({ day, kafka_offset }) => `${day} ${kafka_offset}`);
};

describe('a batch', () => {
  test('moves the watermark of its partition to the greatest time of its records', async () => {
    const partition = await world.partition(0);
    expect(await watermark()).toBe('1970-01-01T00:00:00.000Z');
    const ledger = world.ledger();
    await partition.book(ledger, [
      eventAt('2026-03-01T10:00:00Z'),
      eventAt('2026-03-01T10:00:02.5Z'),
      eventAt('2026-03-01T10:00:01Z'),
    ]);
    expect(await watermark()).toBe('2026-03-01T10:00:02.500Z');
  });

  test('never moves it back', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    await partition.book(ledger, [eventAt('2026-03-01T10:00:00Z')]);
    await partition.book(ledger, [eventAt('2026-02-01T10:00:00Z')]);
    await partition.book(ledger, []);
    expect(await watermark()).toBe('2026-03-01T10:00:00.000Z');
  });

  test.each([4_102_444_800_000, 9e15, Number.MAX_SAFE_INTEGER])(
    'is not moved by a record from the future, which would close the days of a backlog: %d',
    async (time) => {
      const partition = await world.partition(0);
      const ledger = world.ledger();
      await partition.book(ledger, [eventAt('2026-03-01T10:00:00Z'), eventAt(time)]);
      expect(await watermark()).toBe('2026-03-01T10:00:00.000Z');
      await partition.book(ledger, [eventAt(time)]);
      expect(await watermark()).toBe('2026-03-01T10:00:00.000Z');
    },
  );

  test('moves it no further than to now for a clock that is a little ahead', async () => {
    const partition = await world.partition(0);
    const before = Date.now();
    await partition.book(world.ledger(), [eventAt(Date.now() + 30_000)]);
    const moved = Date.parse((await watermark()) ?? '');
    expect(moved).toBeGreaterThanOrEqual(before - 1_000);
    expect(moved).toBeLessThanOrEqual(Date.now());
  });

  test('whose records have no time does not move it', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), [eventAt(-1)]);
    expect(await watermark()).toBe('1970-01-01T00:00:00.000Z');
  });

  test('of another pass does not move it back', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), [eventAt('2026-03-01T10:00:00Z')]);
    await world.database.query(
      'UPDATE consumer_position SET pass = 1, next_offset = 0, pass_first_offset = 0',
    );
    const again = await world.partition(0);
    await again.book(world.ledger(), [eventAt('2026-02-01T10:00:00Z')]);
    expect(await watermark()).toBe('2026-03-01T10:00:00.000Z');
  });
});

describe('of several groups', () => {
  test('the one that came furthest counts', async () => {
    const [one, other] = [await world.partition(0, 'one'), await world.partition(0, 'other')];
    await one.book(world.ledger(), [eventAt('2026-03-01T10:00:00Z')]);
    await other.book(world.ledger(), [eventAt('2026-03-01T11:00:00Z')]);
    expect(await watermark()).toBe('2026-03-01T11:00:00.000Z');
  });

  // What lies before the range may be applied by nobody.
  test('one that replays a range does not count', async () => {
    const where = { groupId: 'group.replay', topic: 'ledger-world', partition: 0 };
    await beginReplay(world.database, where, 0);
    expect(await watermarks()).toEqual({});
    const replay = await world.partition(0, 'group.replay');
    const ledger = new Ledger(world.database, { cacheBytes: 1_000, movesWatermark: false });
    await replay.book(ledger, [eventAt('2026-03-01T10:00:00Z')]);
    expect(await watermarks()).toEqual({});
    await world.partition(0);
    expect(await watermark()).toBe('1970-01-01T00:00:00.000Z');
  });
});

test('a partition that a person retired is left out', async () => {
  const [kept, retired] = [await world.partition(0), await world.partition(1)];
  await kept.book(world.ledger(), [eventAt('2026-03-02T10:00:00Z')]);
  await retired.book(world.ledger(), [eventAt('2026-02-02T10:00:00Z')]);
  expect(await days()).toEqual(['2026-02-01']);
  await world.database.query(
    `UPDATE consumer_position SET applied_until = 'infinity' WHERE partition = 1`,
  );
  expect(Object.keys(await watermarks())).toEqual(['ledger-world/0']);
  expect(await days()).toEqual(['2026-02-01', '2026-03-01']);
});

describe('a day is closed', () => {
  test('when the last of all partitions passes its end', async () => {
    const ledger = world.ledger();
    const [one, other] = [await world.partition(0), await world.partition(1)];
    await one.book(ledger, [eventAt('2026-03-01T23:59:59Z')]);
    await other.book(ledger, [eventAt('2026-03-01T10:00:00Z')]);
    expect(await days()).toEqual(['2026-02-28']);
    await one.book(ledger, [eventAt('2026-03-03T00:00:00Z')]);
    expect(await days()).toEqual(['2026-02-28']);
    await other.book(ledger, [eventAt('2026-03-02T00:00:01Z')]);
    expect(await days()).toEqual(['2026-02-28', '2026-03-01']);
  });

  test('when two partitions pass its end at the same time', async () => {
    const [one, other] = [await world.partition(0), await world.partition(1)];
    for (const day of ['02', '03', '04', '05', '06', '07', '08', '09']) {
      await Promise.all([
        one.book(world.ledger(), [eventAt(`2026-03-${day}T00:00:00Z`)]),
        other.book(world.ledger(), [eventAt(`2026-03-${day}T00:00:00Z`)]),
      ]);
      expect((await days()).at(-1)).toBe(`2026-03-0${Number(day) - 1}`);
    }
  });
});

test('usage of a day that was closed before it was recorded is late', async () => {
  const [one, other] = [await world.partition(0), await world.partition(1)];
  const ledger = world.ledger();
  await one.book(ledger, [eventAt('2026-03-01T23:00:00Z', '2026-03-01T23:00:00Z')]);
  await other.book(ledger, [eventAt('2026-03-02T01:00:00Z', '2026-03-02T01:00:00Z')]);
  expect(await late()).toEqual([]);
  // The batch that closes the day may hold the last events of it.
  await one.book(ledger, [
    eventAt('2026-03-02T00:00:01Z', '2026-03-01T23:59:59Z'),
    eventAt('2026-03-02T00:00:02Z', '2026-03-02T00:00:02Z'),
  ]);
  expect(await days()).toEqual(['2026-02-28', '2026-03-01']);
  expect(await late()).toEqual([]);
  await one.book(ledger, [
    eventAt('2026-03-02T00:00:03Z', '2026-03-01T23:59:58Z'),
    eventAt('2026-03-02T00:00:04Z', '2026-03-02T00:00:04Z'),
    // Of a day that has no row of its own.
    eventAt('2026-03-02T00:00:05Z', '2026-01-15T00:00:00Z'),
  ]);
  expect(await late()).toEqual(['2026-03-01 3', '2026-01-15 5']);
});

test('late usage of a time is that of the view, found by the index of the time of recording', async () => {
  const since = async (time: string) =>
    (await world.database.query('SELECT * FROM late_usage_since($1)', [time])).rows;
  const partition = await world.partition(0);
  await partition.book(world.ledger(), [eventAt('2026-03-02T00:00:00Z')]);
  await partition.book(world.ledger(), [eventAt('2026-03-02T00:00:00Z')]);
  expect(await since('2026-01-01')).toHaveLength(1);
  expect(await since('2026-01-01')).toEqual(
    (await world.database.query('SELECT * FROM late_usage')).rows,
  );
  expect(await since('2126-01-01')).toEqual([]);
  const connection = await world.database.connect();
  try {
    await connection.query('BEGIN; SET LOCAL search_path = usage_ledger');
    await connection.query('SET LOCAL enable_seqscan = off');
    const { rows: functions } = await connection.query(
      `SELECT prosrc FROM pg_proc WHERE oid = 'late_usage_since(timestamptz)'::regprocedure`,
    );
    const { rows } = await connection.query(
      `EXPLAIN ${functions[0].prosrc.replaceAll('$1', `now() - interval '1 day'`)}`,
    );
    await connection.query('ROLLBACK');
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).toMatch(/recorded_at_idx/);
  } finally {
    connection.release();
  }
});

describe('a worker moves the watermark of a partition', () => {
  const where = { groupId: 'group', topic: 'calls', partition: 0 };
  let worker: Worker | undefined;
  afterEach(async () => {
    await worker?.stop(1_000);
    worker = undefined;
  });

  function workerOver({ source }: ReturnType<typeof onePartition>): Worker {
    worker = new Worker({
      groupId: 'group',
      topics: ['calls'],
      source,
      database: world.database,
      ledger: world.ledger(),
      schemas: new SchemaCache(() => Promise.reject(new Error('nothing to ask for'))),
      logger: createLogger('fatal'),
      concurrentBatches: 1,
      maxEvents: 1_000,
      bufferBytes: 1_000_000,
      deadLetterLimit: 1,
    });
    return worker;
  }
  const isRunning = () => worker?.status()[0]?.state === 'running';
  const ageMs = async () => Date.now() - Date.parse((await watermarks())['calls/0'] ?? '');
  const positionOf = async () =>
    (await positionsOf(world.database, 'group', ['calls'])).get('calls/0')?.nextOffset;

  test('in which there never was a record', async () => {
    await workerOver(onePartition(0)).start();
    await until('it runs', isRunning);
    expect(await watermarks()).toEqual({ 'calls/0': '1970-01-01T00:00:00.000Z' });
    await worker?.advanceWatermarks();
    expect(await ageMs()).toBeLessThan(60_000);
    // Records that are on their way get the time that they had before.
    expect(await ageMs()).toBeGreaterThan(4_000);
  });

  test('that is read to its end, and not while something is left', async () => {
    const partition = onePartition(20);
    partition.calls.hold((name) => name.includes('fetch'));
    await workerOver(partition).start();
    await until('it is to be fetched', () => partition.calls.held.length === 1);
    await worker?.advanceWatermarks();
    expect(await watermarks()).toEqual({ 'calls/0': '1970-01-01T00:00:00.000Z' });
    partition.calls.release();
    await until('it is read', async () => (await positionOf()) === 20);
    await worker?.advanceWatermarks();
    expect(await ageMs()).toBeLessThan(60_000);
  });

  test('and not of one that is halted', async () => {
    const partition = onePartition(20);
    const { nextOffset, pass } = await begin(world.database, where, 20, partition.topicId());
    const halt = haltOf('lost_offsets', where, 'as a test');
    await keepHalt(world.database, { ...where, nextOffset, pass }, halt);
    await workerOver(partition).start();
    await until('it halts', () => worker?.status()[0]?.state === 'halted');
    await worker?.advanceWatermarks();
    expect(await watermarks()).toEqual({ 'calls/0': '1970-01-01T00:00:00.000Z' });
  });

  test('and not of one whose position another worker has moved', async () => {
    await workerOver(onePartition(0)).start();
    await until('it runs', isRunning);
    await world.database.query('UPDATE consumer_position SET pass = 1');
    await worker?.advanceWatermarks();
    expect(await watermarks()).toEqual({ 'calls/0': '1970-01-01T00:00:00.000Z' });
  });

  test('and not of one whose topic was recreated since it was assigned', async () => {
    const partition = onePartition(0);
    await workerOver(partition).start();
    await until('it runs', isRunning);
    partition.source.topicId = async () => '00000000-0000-4000-8000-0000000000ff';
    await worker?.advanceWatermarks();
    expect(await watermarks()).toEqual({ 'calls/0': '1970-01-01T00:00:00.000Z' });
  });

  test('and writes nothing where it would not change', async () => {
    await workerOver(onePartition(0)).start();
    await until('it runs', isRunning);
    await world.database.query(
      `UPDATE consumer_position SET applied_until = now() + interval '1 hour'`,
    );
    const version = async () =>
      (await world.database.query('SELECT xmin::text AS x FROM consumer_position')).rows[0].x;
    const before = await version();
    await worker?.advanceWatermarks();
    expect(await version()).toBe(before);
  });
});
