import type { Admin } from 'kafkajs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { EventProducer, type ProducedMessage } from '../../src/produce/event-producer.ts';
import { cli, type RunningCli, startCli } from '../support/cli.ts';
import { ANSWERS_READYZ, readyProblems } from '../support/ready.ts';
import { freshTopic } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

/** What comes later is read within this time. */
const NOTICED_MS = 30_000;
/** What of that a machine that is busy with other tests may add. */
const BUSY_MS = 30_000;

let world: World;
let admin: Admin;
let messages: readonly ProducedMessage[];
let worker: RunningCli | undefined;

beforeAll(async () => {
  world = await newWorld(1);
  messages = await world.encode(calls.events.slice(0, 10));
  admin = createKafka(world.settings, createLogger('fatal')).admin();
  await admin.connect();
});
beforeEach(async () => {
  await world.database.query('TRUNCATE consumer_position, consumed_range');
});
afterEach(async () => {
  worker?.process.kill('SIGTERM');
  const end = await worker?.ended;
  worker = undefined;
  if (end !== undefined) expect(end.code, end.stderr).toBe(0);
  expect(
    (await breaks(world.database)).filter(({ check }) => /range|position/.test(check)),
  ).toEqual([]);
});
afterAll(async () => {
  await admin.disconnect();
  await world.close();
});

function work(topics: readonly string[]): RunningCli {
  const group = `group-${topics.join('-')}`.slice(0, 200);
  const env = { KAFKA_TOPICS: topics.join(), KAFKA_GROUP_ID: group };
  worker = startCli(['run'], { ...world.env, ...ANSWERS_READYZ, ...env });
  return worker;
}

async function send(topic: string, partition = 0): Promise<void> {
  const producer = new EventProducer(createKafka(world.settings, createLogger('fatal')), topic);
  await producer.connect();
  for (const message of messages) await producer.add({ ...message, partition });
  await producer.flush();
  await producer.disconnect();
}

async function isBooked(topic: string, offset: number, partition = 0): Promise<boolean> {
  const { rows } = await world.database.query(
    'SELECT FROM consumer_position WHERE topic = $1 AND partition = $2 AND next_offset >= $3',
    [topic, partition, offset],
  );
  return rows.length > 0;
}

const create = (topic: string) =>
  admin.createTopics({
    topics: [{ topic, numPartitions: 1, replicationFactor: 1 }],
    waitForLeaders: false,
  });

test('when one of several topics is deleted, the others continue, and /readyz names it', async () => {
  const [kept, deleted] = [await freshTopic(2), await freshTopic(1)];
  const running = work([kept, deleted]);
  await until('the worker is ready', async () => (await readyProblems(running))?.length === 0);
  await send(kept);
  await until('it reads', () => isBooked(kept, 10));

  await admin.deleteTopics({ topics: [deleted] });
  const missing = `topic ${deleted} is not read: the brokers have no such topic`;
  await until(
    '/readyz names the topic, and nothing else',
    async () => String(await readyProblems(running)) === missing,
    NOTICED_MS + BUSY_MS,
  );
  await send(kept);
  await until('the other topic is read', () => isBooked(kept, 20), NOTICED_MS + BUSY_MS);
  const assignments = running.log().match(/partitions assigned/g) ?? [];
  expect(assignments.length).toBeLessThanOrEqual(3);
});

test('a topic missing at the start is read once it exists, and the others meanwhile', async () => {
  const there = await freshTopic(1);
  const later = `${there}-later`;
  const running = work([later, there]);
  await send(there);
  await until('the topic that is there is read', () => isBooked(there, 10));
  expect(String(await readyProblems(running))).toContain(`topic ${later} is not read`);

  await create(later);
  await until('it has a leader', () =>
    send(later).then(
      () => true,
      () => false,
    ),
  );
  await until('it is read', () => isBooked(later, 10), NOTICED_MS + BUSY_MS);
  await until('the worker is ready', async () => (await readyProblems(running))?.length === 0);
});

test('run --until-caught-up does not treat a missing topic as caught up', async () => {
  const there = await freshTopic(1);
  const env = { KAFKA_TOPICS: `${there},${there}-missing`, STARTUP_TIMEOUT_S: '2' };
  const { code, stderr } = await cli(['run', '--until-caught-up'], { ...world.env, ...env });
  expect(code).toBe(3);
  expect(stderr).toContain(`${there}-missing: the brokers have no such topic`);
});

test('partitions added to a topic are read within 30 s', async () => {
  const topic = await freshTopic(1);
  const running = work([topic]);
  await until('the worker is ready', async () => (await readyProblems(running))?.length === 0);
  await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
  await until('they have leaders', () =>
    send(topic, 2).then(
      () => true,
      () => false,
    ),
  );
  await until('the new one is read', () => isBooked(topic, 10, 2), NOTICED_MS + BUSY_MS);
});
