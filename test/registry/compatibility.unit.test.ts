import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { loadSettings } from '../../src/config/settings.ts';
import { checkCompatibility } from '../../src/registry/subjects.ts';

// A 404 for a path that it does not know was once taken for a subject without a schema: compatible.
test('schemas check falls back to the latest version for a registry that compares only with that', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const isKnown = request.url?.includes('/versions/latest') === true;
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' });
    response.end(isKnown ? '{"is_compatible":false}' : '{"error_code":0,"message":"no such path"}');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const settings = loadSettings({ SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}` }, ['registry']);

  const { compatible } = await checkCompatibility(settings, 'calls');

  server.close();
  expect(compatible).toBe(false);
  expect(asked).toEqual([
    '/compatibility/subjects/calls-value/versions?verbose=true',
    '/compatibility/subjects/calls-value/versions/latest?verbose=true',
  ]);
});
