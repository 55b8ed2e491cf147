import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { schemaIdOf } from '../src/schema-id.ts';

const { signal } = new AbortController();
const server = createServer();
afterEach(() => server.close().removeAllListeners('request'));

/** Serves `body` and keeps the requests. */
async function registryThatAnswers(status: number, body: string) {
  const requests: Pick<IncomingMessage, 'url' | 'headers'>[] = [];
  server.on('request', ({ url, headers }, response) => {
    requests.push({ url: url as string, headers });
    response.writeHead(status, { connection: 'close' }).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;

test('the schema is registered, with the user and password of the options or the address', async () => {
  const { host, requests } = await registryThatAnswers(200, '{"id":42}');
  const options = { register: true, username: 'u', password: 'p' };
  expect(await schemaIdOf({ url: `http://${host}/`, ...options }, 'a/b-value', signal)).toBe(42);
  await schemaIdOf({ url: `http://me:s%40cret@${host}`, register: true }, 't-value', signal);
  expect(requests.map(({ url }) => url)).toEqual([
    '/subjects/a%2Fb-value/versions',
    '/subjects/t-value/versions',
  ]);
  expect(requests.map(({ headers }) => headers.authorization)).toEqual([
    basic('u:p'),
    basic('me:s@cret'),
  ]);
});

test('without the right to register it is looked up', async () => {
  const { host, requests } = await registryThatAnswers(200, '{"id":7,"version":1}');
  expect(await schemaIdOf({ url: `http://${host}`, register: false }, 's-value', signal)).toBe(7);
  expect(requests[0]?.url).toBe('/subjects/s-value');
  expect(requests[0]?.headers.authorization).toBeUndefined();
});

test('a refusal is an error with what the registry said', async () => {
  const { host } = await registryThatAnswers(409, '{"message":"incompatible"}');
  await expect(
    schemaIdOf({ url: `http://${host}`, register: true }, 's-value', signal),
  ).rejects.toThrow('the schema registry answered 409: {"message":"incompatible"}');
});

test('a registry that cannot be reached is an error with the reason', async () => {
  await expect(
    schemaIdOf({ url: 'http://127.0.0.1:2', register: true }, 's-value', signal),
  ).rejects.toThrow('the schema registry cannot be reached: ECONNREFUSED');
});
