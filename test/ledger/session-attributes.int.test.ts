import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { llm, vad } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';
import { breaks } from '../support/world.ts';

/** A session collects the attributes of its events, up to a limit. */

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

const names = (from: number, to: number) =>
  Object.fromEntries(Array.from({ length: to - from }, (_, i) => [`name${from + i}`, 'v']));
const event =
  (request_id: string, attributes: Record<string, string>, metric = llm({ request_id })) =>
  (offset: number) =>
    messageAt(offset, encoded({ session_id: 'call', attributes, metric }));
const idle = (attributes: Record<string, string>) => event('', attributes, vad() as never);

/** 250 names in five events. */
const many = [0, 50, 100, 150, 200].map((from) => event(`request-${from}`, names(from, from + 50)));

async function attributeCount(): Promise<number> {
  const { rows } = await world.database.query<{ n: number }>(
    'SELECT count(*)::int AS n FROM session, jsonb_object_keys(attributes)',
  );
  return rows[0]?.n ?? 0;
}

test('messages with which a session would have too many attributes become dead letters', async () => {
  const partition = await world.partition(0);
  const ledger = world.ledger();
  await partition.book(ledger, many);

  const result = await partition.book(ledger, [
    event('too many', names(250, 260)),
    event('few enough', names(250, 256)),
    event('none that is new', names(0, 64)),
    event('one more', names(256, 257)),
    idle(names(256, 257)),
    // It is in the ledger, whatever its attributes.
    event('few enough', names(300, 310)),
  ]);

  const counts = { applied: 2, duplicate: 1, ignored: 0, conflict: 0, dead_letter: 3 };
  expect(result).toMatchObject({ counts });
  expect(await attributeCount()).toBe(256);
  const { rows } = await world.database.query('SELECT DISTINCT reason, detail FROM dead_letter');
  expect(rows).toMatchObject([
    { reason: 'invalid_value', detail: expect.stringContaining('more than 256 names') },
    { reason: 'invalid_value' },
  ]);
  expect(await breaks(world.database)).toEqual([]);
});

test('the same events become dead letters for any batching, cache and repetition', async () => {
  const events = [
    ...many,
    event('1', names(250, 255)),
    event('2', names(255, 260)),
    event('1', names(255, 260)),
    event('3', names(0, 5)),
    event('4', names(255, 256)),
    event('5', names(256, 257)),
    idle(names(257, 258)),
  ];
  const outcome = async (ends: readonly boolean[]) => {
    await world.clear();
    let ledger = world.ledger();
    const partition = await world.partition(0);
    let batch: typeof events = [];
    for (const [i, one] of events.entries()) {
      batch.push(one);
      if (ends[i] !== true && i + 1 < events.length) continue;
      await partition.book(ledger, batch);
      batch = [];
      if (i % 2 === 0) ledger = world.ledger();
    }
    const { rows } = await world.database.query(
      'SELECT array_agg(kafka_offset ORDER BY kafka_offset)::text AS offsets FROM dead_letter',
    );
    return { ...rows[0], names: await attributeCount() };
  };
  const expected = await outcome([]);
  expect(expected).toEqual({ offsets: '{6,10,11}', names: 256 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: events.length }), async (ends) => {
      expect(await outcome(ends)).toEqual(expected);
    }),
    { numRuns: 12 },
  );
});

test('attributes that another worker added meanwhile count', async () => {
  const ledger = world.ledger();
  const partition = await world.partition(0);
  await partition.book(ledger, many.slice(0, 4));
  const other = await world.partition(1);
  await other.book(world.ledger(), [event('other', names(400, 450))]);

  const result = await partition.book(ledger, [event('late', names(200, 250))]);

  expect(result).toMatchObject({ counts: { applied: 0, dead_letter: 1 } });
  expect(await attributeCount()).toBe(250);
});

test('attributes that a session has are neither sent nor written again', async () => {
  const ledger = world.ledger();
  const partition = await world.partition(0);
  // As text that does not compress, so that they are stored out of line.
  const values = Array.from({ length: 60 }, (_, i) => {
    return [`name${i}`, createHash('sha512').update(`${i}`).digest('base64')];
  });
  const attributes = Object.fromEntries(values) as Record<string, string>;
  await partition.book(ledger, [event('1', attributes)]);
  const size = async () => {
    const { rows } = await world.database.query<{ n: number }>(
      `SELECT pg_relation_size(reltoastrelid)::int AS n FROM pg_class WHERE oid = 'session'::regclass`,
    );
    return rows[0]?.n ?? 0;
  };
  const before = await size();
  expect(before).toBeGreaterThan(0);
  for (let i = 2; i < 12; i += 1) await partition.book(ledger, [event(`${i}`, attributes)]);
  expect(await size()).toBe(before);
  expect(await attributeCount()).toBe(60);
});
