import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { EventInput } from '../../src/produce/encoder.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';
import { breaks } from '../support/world.ts';

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

const llm = (fields: object = {}, envelope: object = {}): EventInput => ({
  session_id: 'call',
  ...envelope,
  metric: {
    type: 'llm_metrics',
    label: 'llm',
    request_id: 'request',
    timestamp: 1_760_000_000.25,
    duration: 1,
    ttft: -1,
    cancelled: false,
    completion_tokens: 10,
    prompt_tokens: 100,
    prompt_cached_tokens: 0,
    total_tokens: 110,
    tokens_per_second: 10,
    ...fields,
  } as EventInput['metric'],
});
const at = (event: EventInput) => (offset: number) => messageAt(offset, encoded(event));

describe('an emission that was billed', () => {
  test('is a duplicate when it is sent again, even with its speech_id filled in', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    await partition.book(ledger, [at(llm())]);

    const again = await partition.book(ledger, [at(llm()), at(llm({ speech_id: 'speech' }))]);

    expect(again).toMatchObject({ status: 'applied', counts: { duplicate: 2, applied: 0 } });
  });

  test('is a conflict when it is sent with another payload: both are kept, the first stays billed', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), [at(llm())]);

    const result = await partition.book(world.ledger(), [at(llm({ prompt_tokens: 101 }))]);

    expect(result).toMatchObject({ counts: { conflict: 1, applied: 0 } });
    const { rows } = await world.database.query('SELECT * FROM event_conflict');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      session_id: 'call',
      metric_type: 'llm_metrics',
      request_id: 'request',
      applied_payload: { type: 'llm_metrics', prompt_tokens: 100, completion_tokens: 10 },
      conflicting_payload: { type: 'llm_metrics', prompt_tokens: 101, ttft: -1 },
      kafka_offset: '1',
      resolved_at: null,
    });
    const usage = await world.database.query('SELECT input_tokens FROM session_model_usage');
    expect(usage.rows).toEqual([{ input_tokens: '100' }]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('and a conflict with it may be in the same batch', async () => {
    const partition = await world.partition(0);

    const result = await partition.book(world.ledger(), [
      at(llm()),
      at(llm()),
      at(llm({ completion_tokens: 11 })),
    ]);

    expect(result).toMatchObject({ counts: { applied: 1, duplicate: 1, conflict: 1 } });
    expect(await breaks(world.database)).toEqual([]);
  });

  test('has its identity in its session only: the same id in another session is another emission', async () => {
    const partition = await world.partition(0);

    const result = await partition.book(world.ledger(), [
      at(llm()),
      at(llm({}, { session_id: 'other call' })),
    ]);

    expect(result).toMatchObject({ counts: { applied: 2 } });
  });
});

describe('a batch', () => {
  test('is refused when the position has moved, and writes nothing', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), [at(llm())]);
    const stale = {
      groupId: partition.groupId,
      topic: 'ledger-world',
      partition: 0,
      pass: 0,
      generation: 0,
      fromOffset: 0,
      nextOffset: 1,
      messages: [at(llm({ request_id: 'not again' }))(0)],
      metricOf: decodedAgain,
    };

    const result = await world.ledger().apply(stale);

    expect(result).toEqual({ status: 'moved', position: { nextOffset: 1, pass: 0 } });
    const { rows } = await world.database.query('SELECT count(*)::int AS n FROM usage_event');
    expect(rows).toEqual([{ n: 1 }]);
  });

  test('of which Postgres refuses one event is applied without it, and that event is a dead letter', async () => {
    const partition = await world.partition(0);
    const huge = Number.MAX_SAFE_INTEGER - 1;
    // 2^63 is reached by the 1,025th of them: bigint is out of range.
    const events = Array.from({ length: 1_030 }, (_, i) =>
      at(llm({ request_id: `request ${i}`, prompt_tokens: huge })),
    );

    const result = await partition.book(world.ledger(), events);

    expect(result).toMatchObject({ status: 'applied', counts: { applied: 1_024, dead_letter: 6 } });
    const deadLetters = await world.database.query(
      'SELECT DISTINCT reason, detail FROM dead_letter',
    );
    expect(deadLetters.rows).toEqual([
      { reason: 'rejected_by_database', detail: 'bigint out of range' },
    ]);
    const { rows } = await world.database.query('SELECT input_tokens FROM session_model_usage');
    expect(rows).toEqual([{ input_tokens: String(1_024n * BigInt(huge)) }]);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('adds up sums that no double holds exactly', async () => {
    const partition = await world.partition(0);
    const events = [Number.MAX_SAFE_INTEGER - 1, 3, Number.MAX_SAFE_INTEGER - 1].map((tokens, i) =>
      at(llm({ request_id: `${i}`, prompt_tokens: tokens })),
    );

    await partition.book(world.ledger(), events);

    const { rows } = await world.database.query('SELECT input_tokens FROM session_model_usage');
    expect(rows).toEqual([{ input_tokens: '18014398509481983' }]);
  });
});

describe('a session', () => {
  test('keeps its first account and its first attributes, and gathers the others', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    await partition.book(ledger, [at(llm({}, { attributes: { room: 'a' } }))]);

    const first = await partition.book(ledger, [
      at(llm({ request_id: '2' }, { account_id: 'one', attributes: { room: 'b', agent: 'x' } })),
    ]);
    const second = await partition.book(ledger, [
      at(llm({ request_id: '3' }, { account_id: 'two' })),
    ]);

    expect(first).toMatchObject({ otherAccounts: 0 });
    expect(second).toMatchObject({ otherAccounts: 1 });
    const { rows } = await world.database.query('SELECT account_id, attributes FROM session');
    expect(rows).toEqual([{ account_id: 'one', attributes: { room: 'a', agent: 'x' } }]);
  });

  test('takes an attribute that only a repetition of its event has', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    await partition.book(ledger, [at(llm())]);

    await partition.book(ledger, [at(llm({}, { attributes: { room: 'a' } }))]);

    const { rows } = await world.database.query('SELECT attributes FROM session');
    expect(rows).toEqual([{ attributes: { room: 'a' } }]);
  });

  test('spans the times of its events, ignored ones included', async () => {
    const partition = await world.partition(0);
    const vad: EventInput = {
      session_id: 'call',
      metric: {
        type: 'vad_metrics',
        label: 'vad',
        timestamp: 1_760_000_100.5,
        idle_time: 0,
        inference_duration_total: 0,
        inference_count: 1,
      } as EventInput['metric'],
    };

    await partition.book(world.ledger(), [at(llm()), at(vad)]);

    const { rows } = await world.database.query(
      'SELECT first_event_at, last_event_at FROM session',
    );
    expect(rows).toEqual([
      {
        first_event_at: new Date(1_760_000_000_250),
        last_event_at: new Date(1_760_000_100_500),
      },
    ]);
  });
});

test('the key of every table that grows with the number of calls begins with the session', async () => {
  const { rows } = await world.database.query(`
    SELECT c.relname AS table, i.relname AS key, a.attname AS first
    FROM pg_index x
    JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_class i ON i.oid = x.indexrelid
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0]
    WHERE x.indisunique AND c.relnamespace = current_schema()::regnamespace
      AND (c.relname IN ('session', 'session_model_usage', 'event_conflict')
        OR c.relname LIKE 'ledger_page%')`);
  expect(rows.length).toBeGreaterThanOrEqual(4);
  expect(new Set(rows.map(({ first }) => first))).toEqual(new Set(['session_id']));
});

test('an event many offsets after the one before it, as in a compacted topic, keeps its offset', async () => {
  const { groupId, partition } = await world.partition(0);
  const far = 5_000_000_000;
  const result = await world.ledger().apply({
    groupId,
    topic: 'ledger-world',
    partition,
    pass: 0,
    generation: 0,
    fromOffset: 0,
    nextOffset: far + 1,
    messages: [at(llm())(far)],
    metricOf: decodedAgain,
  });

  expect(result).toMatchObject({ status: 'applied', counts: { applied: 1, dead_letter: 0 } });
  const { rows } = await world.database.query('SELECT kafka_offset FROM usage_event');
  expect(rows).toEqual([{ kafka_offset: String(far) }]);
});
