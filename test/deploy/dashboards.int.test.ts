import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import getPort from 'get-port';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BookMetrics } from '../../src/http/metrics/book-metrics.ts';
import { countOpen } from '../../src/verify/open-decisions.ts';
import { verifyBooks } from '../../src/verify/verify.ts';
import { queryOf, readDashboards } from '../../tools/dashboards/dashboard.ts';
import { type RunningCli, startCli } from '../support/cli.ts';
import { type Prometheus, startPrometheus } from '../support/prometheus.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';
import { calls, newWorld, type World } from '../support/world.ts';

const RATE_INTERVAL_S = 60;

let world: World;
let registry: { proxy: TcpProxy; url: string };
let worker: RunningCli;
let books: Server;
let prometheus: Prometheus;

beforeAll(async () => {
  world = await newWorld(2);
  registry = await TcpProxy.of(world.env['SCHEMA_REGISTRY_URL'] as string);
  const port = await getPort();
  worker = startCli(['run'], {
    ...world.env,
    SCHEMA_REGISTRY_URL: registry.url,
    HTTP_PORT: String(port),
  });
  books = await serveBooks();
  prometheus = await startPrometheus([
    `127.0.0.1:${port}`,
    `127.0.0.1:${(books.address() as AddressInfo).port}`,
  ]);
  const scraped = (series: string) => until(`${series} is scraped`, () => prometheus.has(series));

  await scraped('usage_ledger_messages_total');
  // What appears with its first increment has a rate from the second on.
  const events = await world.encode(calls.events);
  const malformed = { key: 'malformed', value: Buffer.from('malformed') };
  await world.send([...events.filter((_, i) => i % 2 === 0), malformed]);
  await scraped('usage_ledger_transcription_delay_seconds_count > 0');
  await world.send([...events.filter((_, i) => i % 2 === 1), malformed]);

  await registry.proxy.close();
  const unknownSchema = Buffer.from([0, 0x7f, 0, 0, 1, 0]);
  await world.send([{ key: 'unknown', value: unknownSchema }]);
});
afterAll(async () => {
  await prometheus?.stop();
  worker?.process.kill('SIGKILL');
  books?.close();
  await world.close();
});

/** What a worker says of the books, which it checks only once a minute. */
async function serveBooks(): Promise<Server> {
  const metrics = new Registry();
  new BookMetrics(metrics).checked(
    await verifyBooks(world.database),
    await countOpen(world.database),
  );
  const server = createServer(async (_, response) => response.end(await metrics.metrics()));
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return server;
}

const targets = [...readDashboards()].flatMap(([name, dashboard]) =>
  dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map((target) => [name, title, queryOf(dashboard, target, RATE_INTERVAL_S)] as const),
  ),
);

test('there are dashboards', () => expect(targets.length).toBeGreaterThan(30));

test.for(targets)('%s: %s has data', async ([, title, query]) => {
  // Not NaN either.
  await until(title, () => prometheus.has(`(${query}) >= 0`));
});
