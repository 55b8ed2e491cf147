import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type BillableMetric, identify, identityBytes } from '../../src/identify/identity.ts';
import { acceptConflict } from '../../src/ledger/accept-conflict.ts';
import { LedgerPreview } from '../../src/ledger/preview.ts';
import { verify } from '../../src/verify/verify.ts';
import { interruption, llm, realtime, stt, tts } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';

/** A session keeps the identity rule of the build that saw it first. */

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

const TOPIC = 'ledger-world';
const at = (metric: BillableMetric) => (offset: number) =>
  messageAt(offset, encoded({ session_id: 'call', metric }));
const applied = [llm(), tts(), stt(), realtime(), interruption(), llm({ request_id: '' })];
const conflicting = llm({ prompt_tokens: 101 });
const events = [...applied, llm(), conflicting].map(at);
const COUNTS = { duplicate: 7, conflict: 1 };
const CONFLICT = { sessionId: 'call', topic: TOPIC, partition: 0, generation: 0, offset: 7 };

async function stored(): Promise<{ rule: number; identities: Buffer }> {
  const { rows } = await world.database.query(
    `SELECT identity_rule AS rule, string_agg(identities, '' ORDER BY base_offset) AS identities
      FROM session JOIN ledger_page USING (session_id) GROUP BY 1`,
  );
  return rows[0];
}

const bytesOf = (metrics: readonly BillableMetric[], rule: number) =>
  Buffer.concat(metrics.map((metric) => identityBytes(identify(metric, rule))));

test('a session that is new is identified by the rule of this build', async () => {
  await (await world.partition(0)).book(world.ledger(), events);
  expect(await stored()).toEqual({ rule: 2, identities: bytesOf(applied, 2) });
});

describe('a session that an earlier build began', () => {
  beforeEach(async () => {
    // As that build wrote it: without the rule, and its events by that rule.
    await world.database.query(
      `INSERT INTO session (session_id, first_event_at, last_event_at, revision)
        VALUES ('call', now(), now(), 1)`,
    );
    await (await world.partition(0)).book(world.ledger(), events);
    expect(await stored()).toEqual({ rule: 1, identities: bytesOf(applied, 1) });
  });

  const replayed = async (groupId: string) =>
    (await world.partition(0, groupId)).book(world.ledger(), events);

  test('is replayed without anything being applied', async () => {
    expect(await replayed('replay')).toMatchObject({ counts: { ...COUNTS, applied: 0 } });
    expect((await verify(world.database)).breaks).toEqual([]);
  });

  test('says so to a dry run as well', async () => {
    const preview = await new LedgerPreview(world.database).apply({
      groupId: 'preview',
      topic: TOPIC,
      partition: 0,
      pass: 0,
      generation: 0,
      fromOffset: 0,
      nextOffset: events.length,
      messages: events.map((make, offset) => make(offset)),
      metricOf: decodedAgain,
    });
    expect(preview).toMatchObject({ counts: { ...COUNTS, applied: 0 } });
  });

  test('finds a copy at another offset a duplicate, and takes what is new', async () => {
    const partition = await world.partition(0);
    const ledger = world.ledger();
    const fresh = stt({ request_id: 'new' });
    const result = await partition.book(ledger, [...applied.map(at), at(fresh)]);
    expect(result).toMatchObject({ counts: { duplicate: 6, applied: 1, conflict: 0 } });
    // From memory, too.
    expect(await partition.book(ledger, [at(fresh)])).toMatchObject({ counts: { duplicate: 1 } });
    expect(await stored()).toEqual({ rule: 1, identities: bytesOf([...applied, fresh], 1) });
  });

  test('has its conflicts accepted: the difference is booked once', async () => {
    await acceptConflict(world.database, CONFLICT);
    expect(await replayed('replay')).toMatchObject({ counts: { ...COUNTS, applied: 0 } });
    const { rows } = await world.database.query(
      `SELECT input_tokens FROM session_model_usage
        WHERE usage_type = 'llm_usage' AND model = 'model' AND input_tokens > 0 ORDER BY 1`,
    );
    // 101 of the accepted payload, 100 of the event without an id, 300 of the realtime model.
    expect(rows).toEqual([{ input_tokens: '501' }]);
    expect((await verify(world.database)).breaks).toEqual([]);
  });
});

test('a session of a later build is refused: its events would be billed twice', async () => {
  await world.database.query(
    `INSERT INTO session (session_id, first_event_at, last_event_at, revision, identity_rule)
      VALUES ('call', now(), now(), 1, 3)`,
  );
  const partition = await world.partition(0);
  await expect(partition.book(world.ledger(), events)).rejects.toThrow('of a later build');
});
