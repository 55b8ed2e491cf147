import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { acceptConflict, dismissConflict } from '../../src/ledger/accept-conflict.ts';
import { billBoth } from '../../src/ledger/bill-both.ts';
import { LedgerPreview } from '../../src/ledger/preview.ts';
import type { LLMMetrics } from '../../src/livekit/types.ts';
import { verify } from '../../src/verify/verify.ts';
import { llm } from '../identify/samples.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';

let world: LedgerWorld;
let partition: BookedPartition;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
  partition = await world.partition(0);
});
afterAll(async () => {
  await world.close();
});

const TOPIC = 'ledger-world';
const at = (fields: Partial<LLMMetrics>) => (offset: number) =>
  messageAt(offset, encoded({ session_id: 'call', metric: llm(fields) }));
const first = at({ prompt_tokens: 100 });
const second = at({ prompt_tokens: 70, metadata: { model_name: 'other', model_provider: null } });
const third = at({ prompt_tokens: 8 });
const keyOf = (offset: number) => ({
  ...{ sessionId: 'call', topic: TOPIC, partition: 0, generation: 0, offset },
});

/** What is billed, row by row: tokens and events. */
async function billed(): Promise<unknown[]> {
  expect((await verify(world.database)).breaks).toEqual([]);
  const { rows } = await world.database.query(
    `SELECT model, input_tokens::int AS tokens, event_count::int AS events
      FROM session_model_usage ORDER BY model`,
  );
  return rows.map(({ model, tokens, events }) => [model, tokens, events]);
}
const BOTH = [
  ['model', 100, 1],
  ['other', 70, 1],
];

describe.each([1, 2])('a conflict of a session of identity rule %i that is billed, too', (rule) => {
  beforeEach(async () => {
    if (rule === 1) {
      await world.database.query(
        `INSERT INTO session (session_id, first_event_at, last_event_at, revision)
          VALUES ('call', now(), now(), 1)`,
      );
    }
    await partition.book(world.ledger(), [first, second]);
    await billBoth(world.database, keyOf(1));
  });

  test('has an entry of its own at its offset', async () => {
    expect(await billed()).toEqual(BOTH);
    const { rows } = await world.database.query(
      `SELECT kafka_offset::int AS offset, model, is_correction FROM usage_event ORDER BY 1`,
    );
    expect(rows).toEqual([
      { offset: 0, model: 'model', is_correction: false },
      { offset: 1, model: 'other', is_correction: false },
    ]);
    const conflicts = await world.database.query('SELECT resolution FROM event_conflict');
    expect(conflicts.rows).toEqual([{ resolution: 'billed_both' }]);
  });

  test('is a duplicate afterwards: in a replay, in a dry run, and at another offset', async () => {
    const counts = { applied: 0, duplicate: 2, conflict: 0 };
    const replay = await (await world.partition(0, 'replay')).book(world.ledger(), [first, second]);
    expect(replay).toMatchObject({ counts });
    const preview = await new LedgerPreview(world.database).apply({
      ...{ groupId: 'preview', topic: TOPIC, partition: 0, pass: 0, generation: 0 },
      ...{ fromOffset: 0, nextOffset: 2, messages: [first(0), second(1)] },
      metricOf: decodedAgain,
    });
    expect(preview).toMatchObject({ counts });
    // With a new time, so that the session is locked.
    const later = at({ request_id: 'later', timestamp: 1_790_000_000 });
    const again = await partition.book(world.ledger(), [second, first, later]);
    expect(again).toMatchObject({ counts: { ...counts, applied: 1 } });
    expect(await billed()).toEqual([
      ['model', 200, 2],
      ['other', 70, 1],
    ]);
  });

  test('is decided: a second decision is refused, and changes nothing', async () => {
    for (const decide of [billBoth, acceptConflict, dismissConflict]) {
      await expect(decide(world.database, keyOf(1))).rejects.toThrow(/was billed_both at/);
    }
    expect(await billed()).toEqual(BOTH);
  });

  test('leaves a third payload a conflict, which can be billed as well or instead', async () => {
    const result = await partition.book(world.ledger(), [third, at({ prompt_tokens: 9 })]);
    expect(result).toMatchObject({ counts: { conflict: 2 } });
    await billBoth(world.database, keyOf(2));
    await acceptConflict(world.database, keyOf(3));
    expect(await billed()).toEqual([
      ['model', 17, 2],
      ['other', 70, 1],
    ]);
  });
});

test('a worker that has the session cached finds the second emission, too', async () => {
  const ledger = world.ledger();
  await partition.book(ledger, [first, second]);
  await billBoth(world.database, keyOf(1));
  expect(await partition.book(ledger, [second])).toMatchObject({ counts: { duplicate: 1 } });
  expect(await billed()).toEqual(BOTH);
});

test('a payload that conflicts at two offsets is billed as well once', async () => {
  await partition.book(world.ledger(), [first, second, second]);
  await billBoth(world.database, keyOf(1));
  for (const decide of [billBoth, acceptConflict]) {
    await expect(decide(world.database, keyOf(2))).rejects.toThrow(/is billed already/);
  }
  await dismissConflict(world.database, keyOf(2));
  expect(await billed()).toEqual(BOTH);
});

test('a payload that was accepted at another offset is not billed a second time', async () => {
  await partition.book(world.ledger(), [first, second, second]);
  await acceptConflict(world.database, keyOf(1));
  await expect(billBoth(world.database, keyOf(2))).rejects.toThrow(/billed already.*accepted/);
  expect(await billed()).toEqual([
    ['model', 0, 1],
    ['other', 70, 0],
  ]);
});
