import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { BillableMetric } from '../../src/identify/identity.ts';
import { LedgerPreview } from '../../src/ledger/preview.ts';
import type { Message } from '../../src/records/message.ts';
import { verify } from '../../src/verify/verify.ts';
import { eot, llm, stt } from '../identify/samples.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain, encoded, messageAt } from '../support/messages.ts';

/**
 * An earlier build did not read the fields that it does not know. The messages that it applied have
 * other fingerprints, or other identities, when this build reads the same offsets.
 */

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

type Make = (offset: number) => Message;
const at =
  (metric: BillableMetric): Make =>
  (offset) =>
    messageAt(offset, encoded({ session_id: 'call', metric }));

const unknownTo =
  (metric: BillableMetric): Make =>
  (offset) => ({
    kind: 'dead_letter',
    offset,
    record: at(metric)(offset).record,
    reason: 'unknown_metric_type',
    detail: 'the metric is not known here',
    schemaId: 7,
  });

const later = { cache_creation_tokens: 5, reasoning_tokens: 3 };
const withId = llm(later);
const withoutId = llm({ ...later, request_id: '' });
const speech = stt({ request_id: '', input_tokens: 9, input_audio_tokens: 9, total_tokens: 9 });
const conflicting = llm({ ...later, prompt_tokens: 101 });

const byEarlierBuild: Make[] = [
  at({ ...withId, ...llm() }),
  at({ ...withoutId, cache_creation_tokens: 0, reasoning_tokens: 0 }),
  at({ ...speech, input_audio_tokens: 0 }),
  unknownTo(eot()),
  at({ ...conflicting, cache_creation_tokens: 0, reasoning_tokens: 0 }),
  // The first three again.
  at(llm()),
  at({ ...withoutId, cache_creation_tokens: 0, reasoning_tokens: 0 }),
  at({ ...speech, input_audio_tokens: 0 }),
];
const byThisBuild = [withId, withoutId, speech, eot(), conflicting, withId, withoutId, speech].map(
  at,
);

const usage = async () =>
  (
    await world.database.query(
      `SELECT usage_type, event_count, input_tokens, input_cache_creation_tokens,
        input_audio_tokens, output_reasoning_tokens FROM session_model_usage ORDER BY 1`,
    )
  ).rows;

test('what an earlier build applied is a duplicate when this build reads it again', async () => {
  const first = await (await world.partition(0)).book(world.ledger(), byEarlierBuild);
  expect(first).toMatchObject({
    counts: { applied: 3, duplicate: 3, conflict: 1, dead_letter: 1, ignored: 0 },
  });
  const before = await usage();

  const counts = { applied: 1, duplicate: 6, conflict: 1, dead_letter: 0, ignored: 0 };
  const preview = await new LedgerPreview(world.database).apply({
    groupId: 'preview',
    topic: 'ledger-world',
    partition: 0,
    pass: 0,
    generation: 0,
    fromOffset: 0,
    nextOffset: byThisBuild.length,
    messages: byThisBuild.map((make, offset) => make(offset)),
    metricOf: decodedAgain,
  });
  expect(preview).toMatchObject({ counts });
  const again = await (await world.partition(0, 'replay')).book(world.ledger(), byThisBuild);
  expect(again).toMatchObject({ counts });

  // Only the metric that the earlier build did not know is billed.
  expect(await usage()).toEqual([expect.objectContaining({ usage_type: 'eot_usage' }), ...before]);
  expect((await verify(world.database)).breaks).toEqual([]);
});

test('message by message, with the sessions cached, as well', async () => {
  const ledger = world.ledger();
  await (await world.partition(0)).book(ledger, byEarlierBuild.slice(0, 3));
  const replay = await world.partition(0, 'replay');
  for (const make of byThisBuild.slice(0, 3)) {
    expect(await replay.book(ledger, [make])).toMatchObject({ counts: { duplicate: 1 } });
  }
});

test('an offset of another partition, or one that was not read before, says nothing', async () => {
  const ledger = world.ledger();
  await (await world.partition(0)).book(ledger, [at(llm({ request_id: 'a' })), at(llm())]);
  const other = await (await world.partition(1)).book(ledger, [at(conflicting), at(speech)]);
  expect(other).toMatchObject({ counts: { applied: 1, conflict: 1 } });
});
