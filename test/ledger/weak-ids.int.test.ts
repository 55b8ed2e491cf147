import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { verify } from '../../src/verify/verify.ts';
import { llm } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

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

const TURNS = 150;
/** As Ollama draws them, from 0 to 998: by the square, so that some repeat. */
const ollama = (turn: number) => `chatcmpl-${(turn * turn * 7) % 999}`;

/** Turns of a call, each sent twice. */
function turns(idOf: (turn: number) => string) {
  const events = Array.from({ length: TURNS }, (_, turn) => {
    const metric = llm({
      request_id: idOf(turn),
      timestamp: 1_790_000_000.5 + turn * 3,
      prompt_tokens: 100 + turn,
    });
    return (offset: number) => messageAt(offset, encoded({ session_id: 'call', metric }));
  });
  return [...events, ...events];
}

async function billed(): Promise<unknown> {
  const { rows } = await world.database.query(
    'SELECT event_count::int AS events, input_tokens::int AS tokens FROM session_model_usage',
  );
  return rows;
}
const ALL = [{ events: TURNS, tokens: TURNS * 100 + (TURNS * (TURNS - 1)) / 2 }];

test('the ids of the first test repeat', () => {
  const ids = Array.from({ length: TURNS }, (_, turn) => ollama(turn));
  expect(new Set(ids).size).toBeLessThan(TURNS - 10);
});

test.each([
  ['random numbers from 0 to 998', ollama],
  ['7', () => '7'],
  ['None', () => 'None'],
  ['null', () => 'null'],
])('all turns of a call are billed once under ids that are %s', async (_, idOf) => {
  const events = turns(idOf);
  const first = await (await world.partition(0)).book(world.ledger(), events);
  expect(first).toMatchObject({ counts: { applied: TURNS, duplicate: TURNS, conflict: 0 } });

  const replay = await (await world.partition(0, 'replay')).book(world.ledger(), events);

  expect(replay).toMatchObject({ counts: { applied: 0, duplicate: 2 * TURNS, conflict: 0 } });
  expect(await billed()).toEqual(ALL);
  expect((await verify(world.database)).breaks).toEqual([]);
});

test('a session of an earlier build keeps its conflicts: a replay applies nothing', async () => {
  await world.database.query(
    `INSERT INTO session (session_id, first_event_at, last_event_at, revision)
      VALUES ('call', now(), now(), 1)`,
  );
  const events = turns(ollama);
  const distinct = new Set(Array.from({ length: TURNS }, (_, turn) => ollama(turn))).size;
  const repeated = 2 * (TURNS - distinct);
  const first = await (await world.partition(0)).book(world.ledger(), events);
  const counts = { conflict: repeated, dead_letter: 0, ignored: 0 };
  expect(first).toMatchObject({ counts: { ...counts, applied: distinct, duplicate: distinct } });

  const replay = await (await world.partition(0, 'replay')).book(world.ledger(), events);

  expect(replay).toMatchObject({ counts: { ...counts, applied: 0, duplicate: 2 * distinct } });
  expect((await verify(world.database)).breaks).toEqual([]);
});
