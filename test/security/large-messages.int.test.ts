import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { createKafka } from '../../src/kafka/client.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { startCli } from '../support/cli.ts';
import { freshTopic } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

/** What the broker takes by default is 1,048,588 bytes, with what it wraps around a message. */
const LARGE = 900_000;
const LARGEST = 1_048_400;
/** The messages are 100 MB. Where other work has the cores, the heap is collected later: 318 MB were seen. */
const MEMORY_BOUND = 350 * 1_048_576;

let world: World;
beforeAll(async () => {
  world = await newWorld(1);
});
afterAll(async () => {
  await world.close();
});

const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
const withFields = (fields: object): EventInput => ({
  ...llm,
  metric: Object.assign({}, llm.metric, fields),
});

test('messages of the maximum size become dead letters with their bytes, in bounded memory', async () => {
  const [ascii] = await world.encode([withFields({ request_id: 'x'.repeat(LARGE) })]);
  const [emoji] = await world.encode([withFields({ request_id: '😀'.repeat(LARGE / 4) })]);
  const [session] = await world.encode([{ ...llm, session_id: 's'.repeat(LARGE / 2) }]);
  const key = { key: Buffer.alloc(LARGE, 'k'), value: Buffer.from('garbage'), partition: 0 };
  const largest = { key: null, value: Buffer.alloc(LARGEST, 0xab) };
  const good = await world.encode([llm]);
  const rounds = 20;
  for (let i = 0; i < rounds; i += 1) {
    for (const message of [ascii, emoji, session, key, largest])
      if (message) await world.send([{ partition: 0, ...message }]);
  }
  await world.send(good);
  const copies = await freshTopic(1);

  const env = { ...world.env, DEAD_LETTER_LIMIT: '1', KAFKA_DEAD_LETTER_TOPIC: copies };
  // Not until it has caught up: then it copies for so long only, and leaves the rest to the next worker.
  const worker = startCli(['run'], env);
  let peak = 0;
  const sampler = setInterval(async () => {
    const status = await readFile(`/proc/${worker.process.pid}/status`, 'utf8').catch(() => '');
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1_024);
  }, 50);
  const headers = await headersOf(copies, 5 * rounds);
  const applied = () => world.database.query('SELECT count(*)::int AS count FROM usage_event');
  await until('the good one is applied', async () => (await applied()).rows[0]?.count === 1);
  worker.process.kill('SIGTERM');
  const { code, stderr } = await worker.ended;
  clearInterval(sampler);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(peak).toBeLessThan(MEMORY_BOUND);
  const { rows } = await world.database.query(
    `SELECT reason, detail, length(value) AS bytes, count(*)::int AS count
     FROM dead_letter GROUP BY 1, 2, 3 ORDER BY 1, 2`,
  );
  expect(rows).toEqual([
    deadLetter('invalid_value', /^request_id has 225000 characters; expected at most 1024$/, emoji),
    deadLetter('invalid_value', /^request_id has 900000 characters; expected at most 1024$/, ascii),
    deadLetter(
      'invalid_value',
      /^session_id has 450000 characters; expected at most 1024$/,
      session,
    ),
    deadLetter('not_avro_framed', /^expected byte 0 and a schema id, got 1048400 bytes/, largest),
    deadLetter('not_avro_framed', /^expected byte 0 and a schema id, got 7 bytes/, key),
  ]);
  expect((await applied()).rows).toEqual([{ count: 1 }]);
  expect(await breaks(world.database)).toEqual([]);

  const omitted = headers.filter((names) => 'usage_ledger_omitted' in names);
  expect(omitted).toHaveLength(rounds);
  expect(omitted[0]).toMatchObject({ usage_ledger_reason: Buffer.from('not_avro_framed') });

  function deadLetter(
    reason: string,
    detail: RegExp,
    message: { value: Buffer | null } | undefined,
  ) {
    const bytes = message?.value?.length;
    return { reason, detail: expect.stringMatching(detail), bytes, count: rounds };
  }
});

/** The headers of the messages of a topic, of which there must be so many. */
async function headersOf(topic: string, count: number): Promise<object[]> {
  const kafka = createKafka(world.settings, createLogger('fatal'));
  const consumer = kafka.consumer({ groupId: `reads-${topic}` });
  const seen: object[] = [];
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      seen.push(message.headers ?? {});
    },
  });
  await until('the copies are read', () => seen.length >= count);
  await consumer.disconnect();
  return seen;
}
