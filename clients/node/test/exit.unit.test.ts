import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';

const FIXTURE = fileURLToPath(new URL('fixtures/emit-and-close.ts', import.meta.url));
/** Far less than the 30 s that kafkajs waits for an answer. */
const DEADLINE_MS = 15_000;
const NOBODY = '127.0.0.1:1';

const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
});

async function listening<S extends Server>(server: S): Promise<string> {
  servers.push(server);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  server.unref();
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const silent = () => listening(createServer(() => {}));
const registry = () =>
  listening(createHttpServer((_, response) => response.end('{"id":1}')) as unknown as Server);

test.concurrent.each([
  ['a broker that accepts connections and never answers', silent, registry],
  ['a registry that accepts connections and never answers', silent, silent],
  ['no broker', async () => NOBODY, registry],
])('after close() nothing keeps the process running: %s', async (_, broker, schemaRegistry) => {
  const args = ['--import', 'tsx', FIXTURE, await broker(), await schemaRegistry()];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    timeout: DEADLINE_MS,
  });
  expect(JSON.parse(stdout)).toEqual({ sent: 0, failed: 0, dropped: 1 });
  expect(stderr.split('\n').filter((line) => !line.startsWith('usage-ledger-emitter: '))).toEqual([
    '',
  ]);
});
