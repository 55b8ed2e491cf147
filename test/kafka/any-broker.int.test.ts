import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { stackUrls } from '../support/stack.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';
import { calls, newWorld, type World } from '../support/world.ts';

let world: World;
let silent: Server;
let silentBroker: string;
beforeAll(async () => {
  world = await newWorld(1);
  await world.send(await world.encode(calls.events.slice(0, 20)));
  // Takes connections and says nothing.
  silent = createServer(() => {});
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
  const address = silent.address();
  silentBroker = `127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
});
afterAll(async () => {
  silent.close();
  await world.close();
});

const commands = [
  ['run', '--until-caught-up'],
  ['position', 'show'],
  ['replay', '--from-beginning', '--dry-run'],
  ['simulate', '--sessions', '1'],
];

describe.each([
  ['refuses connections', () => '127.0.0.1:1'],
  ['has a name that nobody knows', () => 'no-such-broker.invalid:9092'],
  ['is silent', () => silentBroker],
])('when the first broker %s', (_, first) => {
  test.each(commands)('the next one is asked: %s %s', async (...args) => {
    const KAFKA_BROKERS = `${first()},${stackUrls().kafkaBrokers}`;
    const { code, stderr } = await cli(args, { ...world.env, KAFKA_BROKERS });
    expect(code, stderr).toBe(0);
  });
});

test('when none answers, each of them is named with its reason', async () => {
  const KAFKA_BROKERS = '127.0.0.1:1,no-such-broker.invalid:9092';
  const env = { ...world.env, KAFKA_BROKERS, STARTUP_TIMEOUT_S: '2' };
  const { code, stderr } = await cli(['run'], env);
  expect(code).toBe(3);
  expect(stderr).toMatch(/ECONNREFUSED.*ENOTFOUND|EAI_AGAIN/);
});

test('a broker is reached at an IPv6 address', async () => {
  const [host = '', port] = stackUrls().kafkaBrokers.split(':');
  const proxy = await TcpProxy.to(host, Number(port), '::1');
  const KAFKA_BROKERS = `[::1]:${proxy.port}`;
  const { code, stderr } = await cli(['run', '--until-caught-up'], { ...world.env, KAFKA_BROKERS });
  expect(code, stderr).toBe(0);
  await proxy.close();
});
