import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Message } from '../../src/records/message.ts';
import { llm } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain } from '../support/messages.ts';
import { billable } from './messages.ts';

const TOPIC = 'ledger-world';
/** One page for each span between two offsets: each class, and the bounds of each. */
const SPANS = [1, 2, 15, 16, 17, 255, 256, 4_095, 4_096, 65_535, 65_536, 1_048_576, 16_777_216];
const GREATEST_SPAN = 2_147_483_647;

let world: LedgerWorld;
/** Offsets of events, by session. */
const offsets: Record<string, number[]> = {};
let next = 1_000;

beforeAll(async () => {
  world = await newLedgerWorld();
  const { groupId, partition } = await world.partition(3);
  await world.database.query('UPDATE consumer_position SET next_offset = 1000');
  const eventOf = (sessionId: string, offset: number): Message =>
    billable(llm({ request_id: `${sessionId}-${offset}` }), { sessionId }, offset);
  const ledger = world.ledger();
  for (const span of [0, ...SPANS, GREATEST_SPAN]) {
    const [first, last] = [next, next + span];
    offsets[`call ${span}`] = span === 0 ? [first] : [first, last];
    const messages = [
      eventOf(`call ${span}`, first),
      // Within the span of the other page, as calls at the same time are.
      ...(span > 1 ? [eventOf(`within ${span}`, first + 1)] : []),
      ...(span > 0 ? [eventOf(`call ${span}`, last)] : []),
    ];
    if (span > 1) offsets[`within ${span}`] = [first + 1];
    const result = await ledger.apply({
      groupId,
      topic: TOPIC,
      partition,
      pass: 0,
      generation: 0,
      fromOffset: next,
      nextOffset: last + 1,
      messages,
      metricOf: decodedAgain,
    });
    expect(result).toMatchObject({ status: 'applied', counts: { applied: messages.length } });
    next = last + 1;
  }
});
afterAll(async () => {
  await world.close();
});

async function at(topic: string, partition: number, offset: number): Promise<unknown[]> {
  const { rows } = await world.database.query(
    'SELECT session_id, kafka_offset FROM usage_event_at($1, $2, $3)',
    [topic, partition, offset],
  );
  return rows;
}

test('every event is found by its offset, however long its page', async () => {
  for (const [session_id, of] of Object.entries(offsets)) {
    for (const offset of of) {
      expect(await at(TOPIC, 3, offset)).toEqual([{ session_id, kafka_offset: String(offset) }]);
    }
  }
});

test('nothing is found between offsets, before them, after them or elsewhere', async () => {
  const [first = 0] = offsets['call 4096'] ?? [];
  for (const offset of [0, 999, first + 2, first + 4_095, next, Number.MAX_SAFE_INTEGER]) {
    expect(await at(TOPIC, 3, offset)).toEqual([]);
  }
  expect(await at('another', 3, first)).toEqual([]);
  expect(await at(TOPIC, 4, first)).toEqual([]);
});

test('it is found by index, one search for each class of spans', async () => {
  const { rows } = await world.database.query(
    `SELECT prosrc FROM pg_proc WHERE oid = 'usage_event_at(text, integer, bigint)'::regprocedure`,
  );
  const body = String(rows[0].prosrc)
    .replaceAll('$1', `'${TOPIC}'`)
    .replaceAll('$2', '3')
    .replaceAll('$3', '1000::bigint');
  const connection = await world.database.connect();
  try {
    await connection.query('BEGIN; SET LOCAL search_path = usage_ledger');
    await connection.query('SET LOCAL enable_seqscan = off');
    const explained = await connection.query(`EXPLAIN ${body}`);
    await connection.query('ROLLBACK');
    const plan = explained.rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toMatch(
      /Index Cond: \(\(kafka_partition = 3\) AND \(width_bucket.* AND \(base_offset > .* AND \(base_offset <=/,
    );
  } finally {
    connection.release();
  }
});
