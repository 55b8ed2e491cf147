import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BasicAuthProxy, startBasicAuthProxy } from '../support/basic-auth-proxy.ts';
import { newAuthority } from '../support/certificates.ts';
import { cli } from '../support/cli.ts';
import { stackUrls } from '../support/stack.ts';
import { until } from '../support/until.ts';
import { breaks, calls, newWorld, type World } from '../support/world.ts';

const USER = 'ledger';
const PASSWORD = 'pw-registry: ä/@';

let folder: string;
let caFile: string;
let world: World;
let plain: BasicAuthProxy;
let tls: BasicAuthProxy;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-registry-'));
  const authority = await newAuthority(folder, 'authority');
  caFile = authority.caFile;
  const { schemaRegistryUrl } = stackUrls();
  const certificate = await authority.issue('registry');
  plain = await startBasicAuthProxy(schemaRegistryUrl, USER, PASSWORD);
  tls = await startBasicAuthProxy(schemaRegistryUrl, USER, PASSWORD, certificate);
  world = await newWorld(1);
});
afterAll(async () => {
  await world.close();
  await plain.close();
  await tls.close();
  await rm(folder, { recursive: true });
});

const settings = (proxy: BasicAuthProxy, password = PASSWORD) => ({
  SCHEMA_REGISTRY_URL: proxy.url,
  SCHEMA_REGISTRY_USERNAME: USER,
  SCHEMA_REGISTRY_PASSWORD: password,
});

test('a registry with basic auth is used to register and read schemas', async () => {
  await world.send(await world.encode(calls.events.slice(0, 40)));
  const before = plain.seen.passed;

  const { counts } = await world.run({ env: settings(plain) });

  expect(counts).toMatchObject({ dead_letter: 0 });
  // For the topic's latest version, and for the schema.
  expect(plain.seen).toEqual({ passed: before + 2, refused: 0 });
  expect(await breaks(world.database)).toEqual([]);
});

test('a registry over TLS is used with its CA in NODE_EXTRA_CA_CERTS', async () => {
  const trusting = { ...world.env, ...settings(tls), NODE_EXTRA_CA_CERTS: caFile };
  const [registered, distrusting] = await Promise.all([
    cli(['schemas', 'register'], trusting),
    cli(['schemas', 'check'], { ...world.env, ...settings(tls) }),
  ]);
  expect(registered).toMatchObject({ code: 0, stderr: '' });
  expect(distrusting.code).toBe(2);
  expect(distrusting.stderr).toContain(`the schema registry at ${tls.url} refused: `);
  expect(distrusting.stderr).toMatch(/unable to verify|self-signed certificate|unable to get/);
});

// They were waited for, for a minute.
test('wrong credentials exit with 2 at once, naming the registry and 401', async () => {
  const env = { ...world.env, ...settings(plain, 'pw-wrong') };

  const { code, stderr } = await cli(['schemas', 'check'], env);

  expect(code).toBe(2);
  expect(stderr).toContain(`the schema registry at ${plain.url} refused: answered 401`);
  expect(stderr).not.toMatch(/pw-wrong|Basic/);
});

test('credentials refused by the registry in a running worker are retried, and nothing is lost', async () => {
  const fresh = await newWorld(1);
  const wrong = settings(plain, 'pw-wrong');
  await fresh.send(await fresh.encode(calls.events.slice(0, 10)));
  const before = plain.seen.refused;
  const stop = new AbortController();

  const run = fresh.run({ env: wrong, untilCaughtUp: false, signal: stop.signal });
  await until('the registry refused', () => plain.seen.refused > before + 1);
  stop.abort();
  await run;

  const { counts } = await fresh.run({ env: settings(plain) });
  expect(counts).toMatchObject({ dead_letter: 0 });
  const sum = Object.values(counts).reduce((total, count) => total + count);
  expect(sum).toBe(10);
  await fresh.close();
});
