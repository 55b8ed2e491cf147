import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EventInput } from '../../src/produce/encoder.ts';
import type { ProducedMessage } from '../../src/produce/event-producer.ts';
import { malformedMessage } from '../support/malformed.ts';
import {
  breaks,
  calls,
  differencesFromPython,
  newWorld,
  shuffled,
  type World,
} from '../support/world.ts';

const MALFORMED = 5_000;

describe('5,000 malformed messages among the recorded calls', () => {
  let world: World;
  const sent = new Map<string, { reason: string; count: number }>();

  beforeAll(async () => {
    world = await newWorld(4);
    const good = await world.encode(calls.events);
    const bad = await world.encode(badEvents());
    const messages: ProducedMessage[] = [...good];
    for (let i = 0; i < MALFORMED; i += 1) {
      const { reason, message } = malformedMessage(
        i,
        good[i % good.length] as ProducedMessage,
        bad[(i >> 2) % bad.length] as ProducedMessage,
      );
      messages.push(message);
      const hex = message.value?.toString('hex') ?? '';
      sent.set(hex, { reason, count: (sent.get(hex)?.count ?? 0) + 1 });
    }
    await world.send(shuffled(messages, 7));
  });
  afterAll(async () => {
    await world.close();
  });

  test('do not change the rows of the calls, and are all kept with their bytes and reason', async () => {
    const { counts } = await world.run({ env: { DEAD_LETTER_LIMIT: '1' } });

    expect(counts).toEqual({
      applied: 2032,
      duplicate: 0,
      ignored: 352,
      conflict: 0,
      dead_letter: MALFORMED,
    });
    expect(await differencesFromPython(world.database)).toEqual([]);

    const { rows } = await world.database.query<{ value: Buffer; reason: string }>(
      'SELECT value, reason FROM dead_letter',
    );
    const found = new Map<string, { reason: string; count: number }>();
    for (const { value, reason } of rows) {
      const hex = value.toString('hex');
      found.set(hex, { reason, count: (found.get(hex)?.count ?? 0) + 1 });
    }
    expect(found).toEqual(sent);
    expect(await breaks(world.database)).toEqual([]);
  });

  test('are kept once per offset, however often they are read', async () => {
    const env = { DEAD_LETTER_LIMIT: '1', KAFKA_GROUP_ID: 'reads-it-again' };
    const { counts } = await world.run({ env });

    expect(counts.dead_letter).toBe(MALFORMED);
    const { rows } = await world.database.query('SELECT count(*)::int AS n FROM dead_letter');
    expect(rows).toEqual([{ n: MALFORMED }]);
    expect(await breaks(world.database)).toEqual([]);
  });
});

describe('a flood of dead letters', () => {
  let world: World;
  beforeAll(async () => {
    world = await newWorld(2);
  });
  afterAll(async () => {
    await world.close();
  });

  test('halts its partition with the reason, while the other one is read to its end', async () => {
    const good = await world.encode(calls.events);
    const flood = Array.from({ length: 3_000 }, () => ({
      key: null,
      value: Buffer.from('garbage'),
      partition: 0,
    }));
    await world.send(flood);
    await world.send(good.map((message) => ({ ...message, partition: 1 })));

    const { halted } = await world.run();

    expect(halted).toHaveLength(1);
    expect(halted[0]).toMatchObject({ topic: world.topic, partition: 0, position: 1_000 });
    expect(halted[0]?.detail).toMatch(/1000 of its last 1000 messages are dead letters/);
    expect(await differencesFromPython(world.database)).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  });
});

/** Events that can be encoded and must not be billed. */
function badEvents(): EventInput[] {
  const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
  const stt = calls.events.find(({ metric }) => metric.type === 'stt_metrics') as EventInput;
  const change = (event: EventInput, fields: object): EventInput => ({
    ...event,
    metric: { ...event.metric, ...fields },
  });
  return [
    change(llm, { prompt_tokens: -1 }),
    change(llm, { completion_tokens: -2_000_000_000 }),
    change(llm, { request_id: 'x'.repeat(1_025) }),
    change(llm, { request_id: 'nul\0inside' }),
    change(stt, { audio_duration: Number.NaN }),
    change(stt, { audio_duration: Number.POSITIVE_INFINITY }),
    change(stt, { audio_duration: -0.001 }),
    change(stt, { timestamp: Number.NaN }),
    { ...llm, account_id: 'a'.repeat(2_000) },
  ];
}
