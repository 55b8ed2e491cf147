import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import avro from 'avsc';
import getPort from 'get-port';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { withAdmin } from '../../src/kafka/admin.ts';
import { createKafka } from '../../src/kafka/client.ts';
import type { EventInput } from '../../src/produce/encoder.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { type RunningCli, startCli } from '../support/cli.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { calls, newWorld, type World } from '../support/world.ts';

const ALERTS = readFileSync(
  fileURLToPath(new URL('../../deploy/prometheus/alerts.yml', import.meta.url)),
  'utf8',
);
const PATIENCE_MS = 90_000;
const ASSIGNED = 'usage_ledger_assigned_partitions';

let world: World;
let worker: RunningCli | undefined;
let prometheus: Prometheus;
let database: { proxy: TcpProxy; url: string };
let registry: { proxy: TcpProxy; url: string };
let port: number;
const fired = new Map<string, string>();

beforeAll(async () => {
  world = await newWorld(2);
  database = await TcpProxy.of(world.env['DATABASE_URL'] as string);
  registry = await TcpProxy.of(world.env['SCHEMA_REGISTRY_URL'] as string);
  port = await getPort();
  prometheus = await startPrometheus([`127.0.0.1:${port}`]);
});
afterAll(async () => {
  worker?.process.kill('SIGKILL');
  await prometheus?.stop();
  await database.proxy.close();
  await registry.proxy.close();
  await world.close();
});

const start = () => {
  worker = startCli(['run'], {
    ...world.env,
    DATABASE_URL: database.url,
    SCHEMA_REGISTRY_URL: registry.url,
    HTTP_PORT: String(port),
    LOG_LEVEL: 'warn',
  });
};

const stop = async () => {
  worker?.process.kill('SIGKILL');
  await worker?.ended;
};

async function fires(...names: readonly string[]): Promise<void> {
  await until(
    `${names.join(', ')} fire`,
    async () => {
      for (const { name, summary } of await prometheus.firing()) {
        if (!fired.has(name)) process.stderr.write(`${name}: ${summary}\n`);
        fired.set(name, summary);
      }
      return names.every((name) => fired.has(name));
    },
    PATIENCE_MS,
  );
}

const llm = calls.events.find(({ metric }) => metric.type === 'llm_metrics') as EventInput;
const event = (session: string, id: string, fields: object = {}, account = 'a'): EventInput => ({
  session_id: session,
  account_id: account,
  metric: Object.assign(
    {},
    llm.metric,
    { request_id: `chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT-${id}` },
    fields,
  ),
});
const many = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, i) => event(`${prefix}-${i}`, '1'));
const malformed = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ key: 'malformed', value: Buffer.from(`no ${i}`) }));

/** An event of an emitter that is newer than the workers. */
async function laterEvent() {
  const schema = structuredClone(loadEnvelopeSchema()) as avro.Schema & object;
  const add = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { name, fields } = node as { name?: string; fields?: object[] };
    if (name === 'LLMMetrics') fields?.push({ name: 'novel_tokens', type: 'long', default: 0 });
    for (const inner of Object.values(node)) add(inner);
  };
  add(schema);
  const response = await fetch(
    `${world.env['SCHEMA_REGISTRY_URL']}/subjects/${world.topic}-value/versions`,
    {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema) }),
    },
  );
  const { id } = (await response.json()) as { id: number };
  const { type: _, ...fields } = llm.metric;
  const payload = avro.Type.forSchema(schema as avro.Schema).toBuffer({
    session_id: 'later',
    account_id: null,
    attributes: {},
    metric: { 'usage_ledger.LLMMetrics': { ...fields, novel_tokens: 7 } },
  });
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return { key: 'later', value: Buffer.concat([header, payload]) };
}

test('alerts about events, books and dependencies fire when it happens to a real worker', async () => {
  await fires('UsageLedgerDown');

  start();
  const counters = 'usage_ledger_messages_total{outcome="dead_letter"} == 0';
  await until('the counters are scraped', () => prometheus.has(counters), PATIENCE_MS);
  // Recorded long ago, and so billed late.
  await world.send(await world.encode(many(100, 'call')));
  await world.send(
    await world.encode([
      event('call', '1'),
      event('call', '1', { prompt_tokens: 3 }),
      event('call', '2', {}, 'another account'),
    ]),
  );
  await world.send([await laterEvent()]);
  await world.send(malformed(30));
  await fires(
    'UsageLedgerSlowBilling',
    'UsageLedgerOtherAccounts',
    'UsageLedgerUnknownFields',
    'UsageLedgerDeadLetters',
    'UsageLedgerDeadLetterShare',
  );

  const books = (change: string) => world.database.query(`UPDATE consumed_range SET ${change}`);
  await books('applied = applied + 1');
  await fires('UsageLedgerBooksDoNotBalance', 'UsageLedgerOpenConflicts');
  await books('applied = applied - 1');

  database.proxy.stallAll();
  database.proxy.cut();
  await world.send(await world.encode(many(10, 'outage')));
  await fires('UsageLedgerDatabaseErrors', 'UsageLedgerLag', 'UsageLedgerBooksNotChecked');
  database.proxy.heal();
  database.proxy.cut();

  await registry.proxy.close();
  const unknownSchema = Buffer.from([0, 0x7f, 0, 0, 1, 0]);
  await world.send([{ key: 'unknown', value: unknownSchema }]);
  await fires('UsageLedgerRegistryErrors');
  registry = await TcpProxy.of(world.env['SCHEMA_REGISTRY_URL'] as string);
  await stop();
}, 900_000);

test('alerts about a worker that restarts, is crowded out, halts, and loses its topic fire', async () => {
  // Where the test before failed, its worker has the port.
  await stop();
  start();
  await until('it is scraped', () => prometheus.has(ASSIGNED), PATIENCE_MS);
  for (let i = 0; i < 5; i += 1) {
    await stop();
    start();
    const answers = () =>
      fetch(`http://127.0.0.1:${port}/healthz`).then(
        ({ ok }) => ok,
        () => false,
      );
    await until('the worker runs', answers, PATIENCE_MS);
    await until('it is scraped', () => prometheus.has(ASSIGNED), PATIENCE_MS);
  }
  await fires('UsageLedgerRestarts');

  const kafka = createKafka(world.settings, createLogger('fatal'));
  const member = async () => {
    const consumer = kafka.consumer({ groupId: world.settings.KAFKA_GROUP_ID });
    await consumer.connect();
    await consumer.subscribe({ topic: world.topic });
    await consumer.run({ autoCommit: false, eachBatch: async () => {} });
    await until('it has joined', async () => {
      const { groups } = await withAdmin(kafka, (admin) =>
        admin.describeGroups([world.settings.KAFKA_GROUP_ID]),
      );
      return groups[0]?.state === 'Stable' && groups[0].members.length === 2;
    });
    await consumer.disconnect();
  };
  for (let i = 0; i < 3; i += 1) await member();
  await fires('UsageLedgerRebalances');

  await world.send(malformed(1_500));
  await fires('UsageLedgerPartitionHalted');

  await withAdmin(kafka, (admin) => admin.deleteTopics({ topics: [world.topic] }));
  await fires('UsageLedgerBrokerErrors', 'UsageLedgerNothingAssigned');
}, 900_000);

test('no alert is left out', () => {
  const names = [...ALERTS.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  expect([...fired.keys()].sort()).toEqual(names.sort());
});
