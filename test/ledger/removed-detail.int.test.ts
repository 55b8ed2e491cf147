import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { acceptConflict } from '../../src/ledger/accept-conflict.ts';
import { billBoth } from '../../src/ledger/bill-both.ts';
import { LedgerPreview } from '../../src/ledger/preview.ts';
import { readDeadLetters } from '../../src/ledger/statements/dead-letters.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { verify } from '../../src/verify/verify.ts';
import { redriveDeadLetter } from '../../src/worker/redrive.ts';
import { llm } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';

/** The detail of a month was removed from the ledger: what was billed stays billed, once. */

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

const event =
  (request_id: string, fields = {}) =>
  (offset: number) =>
    messageAt(offset, encoded({ session_id: 'call', metric: llm({ request_id, ...fields }) }));
const events = ['one', 'two', 'three'].map((id) => event(id));
const TOPIC = 'ledger-world';

const removeDetail = () => world.database.query('DELETE FROM ledger_page');

async function billed(): Promise<number> {
  const { rows } = await world.database.query<{ n: number }>(
    'SELECT coalesce(sum(event_count), 0)::int AS n FROM session_model_usage',
  );
  return rows[0]?.n ?? 0;
}

describe('a session whose detail was removed', () => {
  test('is not billed again by a replay: offsets that were consumed are duplicates', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), events);
    await removeDetail();

    const replay = await world.partition(0, 'replay');
    const result = await replay.book(world.ledger(), events);

    expect(result).toMatchObject({ counts: { applied: 0, duplicate: 3, dead_letter: 0 } });
    expect(await billed()).toBe(3);
  });

  test('applies no event that may be in it already: it becomes a dead letter', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), events);
    await removeDetail();

    const result = await partition.book(world.ledger(), [event('one'), event('four')]);

    expect(result).toMatchObject({ counts: { applied: 0, duplicate: 0, dead_letter: 2 } });
    expect(await billed()).toBe(3);
    const { rows } = await world.database.query('SELECT DISTINCT reason, detail FROM dead_letter');
    expect(rows).toEqual([
      {
        reason: 'rejected_by_database',
        detail: expect.stringMatching(/detail of session call \(month \d{4}-\d\d\) was removed/),
      },
    ]);
  });

  test('is the same for a dry run and for a redrive', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), events);
    await removeDetail();
    await partition.book(world.ledger(), [event('four')]);

    const preview = await new LedgerPreview(world.database).apply({
      groupId: 'preview',
      topic: TOPIC,
      partition: 0,
      pass: 0,
      generation: 0,
      fromOffset: 0,
      nextOffset: 4,
      messages: [...events, event('four')].map((make, offset) => make(offset)),
      metricOf: decodedAgain,
    });
    expect(preview).toMatchObject({ counts: { duplicate: 3, dead_letter: 1, applied: 0 } });

    const [deadLetter] = await readDeadLetters.run(world.database, {
      topic: TOPIC,
      partition: 0,
      offset: 3,
    });
    if (deadLetter === undefined) throw new Error('no dead letter');
    const schemas = new SchemaCache(async () => ({ found: true, schema: loadEnvelopeSchema() }));
    const result = await redriveDeadLetter(world.ledger(), schemas, deadLetter, { dryRun: false });
    expect(result).toMatchObject({ reason: 'rejected_by_database' });
    const { rows } = await world.database.query('SELECT resolved_at FROM dead_letter');
    expect(rows).toEqual([{ resolved_at: null }]);
    expect(await billed()).toBe(3);
  });

  test('is recognised although the worker has cached it, when another worker writes to it', async () => {
    const ledger = world.ledger();
    const partition = await world.partition(0);
    await partition.book(ledger, events);
    await removeDetail();
    await world.database.query('UPDATE session SET revision = revision + 7');

    const again = await partition.book(ledger, events);
    const fresh = await partition.book(ledger, [event('four')]);

    expect(again).toMatchObject({ counts: { applied: 0, dead_letter: 3 } });
    expect(fresh).toMatchObject({ counts: { applied: 0, dead_letter: 1 } });
    expect(await billed()).toBe(3);
  });

  test('has no conflict that could be accepted or billed as well: the first payload is not known', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), [event('one'), event('one', { prompt_tokens: 1 })]);
    await removeDetail();
    const key = { sessionId: 'call', topic: TOPIC, partition: 0, generation: 0, offset: 1 };
    for (const decide of [acceptConflict, billBoth]) {
      await expect(decide(world.database, key)).rejects.toThrow('detail of session call');
    }
    expect(await billed()).toBe(1);
  });

  test('is named by verify, with its month', async () => {
    const partition = await world.partition(0);
    await partition.book(world.ledger(), events);
    await removeDetail();
    const { breaks } = await verify(world.database);
    expect(breaks).toContainEqual({
      check: 'detail_is_there',
      found: {
        month: expect.stringMatching(/^\d{4}-\d\d$/),
        sessions: '1',
        first_session: 'call',
        problem: expect.stringContaining('detail of this month'),
      },
    });
  });
});

test('events are applied to a session with all of its detail, and not to one with a part of it', async () => {
  const ledger = world.ledger();
  const partition = await world.partition(0);
  await partition.book(ledger, [event('one')]);
  await partition.book(ledger, [event('two')]);
  const other = (offset: number) =>
    messageAt(offset, encoded({ session_id: 'whole', metric: llm({ request_id: 'one' }) }));
  await partition.book(ledger, [other]);
  await world.database.query('DELETE FROM ledger_page WHERE base_offset = 0');

  const result = await partition.book(world.ledger(), [event('one'), other, event('three')]);

  expect(result).toMatchObject({ counts: { applied: 0, duplicate: 1, dead_letter: 2 } });
});
