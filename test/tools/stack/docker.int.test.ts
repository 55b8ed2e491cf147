import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack } from '../../../tools/stack/stack.ts';
import { type FakeEngine, fakeEngine } from '../../support/fake-engine.ts';

let engine: FakeEngine;
let published = true;
const before = { ...process.env };
beforeAll(async () => {
  engine = await fakeEngine(() => published);
  process.env['DOCKER_HOST'] = `tcp://127.0.0.1:${engine.port}`;
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
});
afterAll(async () => {
  process.env = before;
  await engine.close();
});

const others = { kafka: '127.0.0.1:1', registry: 'http://127.0.0.1:1' };

test.each([
  ['by itself', ''],
  ['on request', 'docker'],
])(
  'an image that cannot be pulled is named in one line, and local processes are used instead: %s',
  async (_, mode) => {
    published = false;
    const lines: string[] = [];
    const env = { ...process.env, USAGE_LEDGER_STACK: mode };
    const stack = await startStack({ progress: (line) => lines.push(line), env, use: others });
    try {
      const note = lines.filter((line) => line.includes('Docker answers'));
      expect(note).toEqual([
        expect.stringMatching(
          /^Docker answers but .*: postgres:18: .*manifest for postgres:18 not/,
        ),
      ]);
      expect(note[0]).toMatch(/; using local processes instead$/);
      expect(stack.processes.postgres).toBeDefined();
    } finally {
      await stack.stop();
    }
  },
);

// An engine binds to every address of the machine, unless it is given one.
test('the ports of containers are bound to loopback, and the password of Postgres is nobody’s guess', async () => {
  published = true;
  for (const _ of [1, 2]) {
    const env = { ...process.env, USAGE_LEDGER_STACK: 'docker' };
    await expect(startStack({ progress: () => {}, env, use: others })).rejects.toThrow(
      /postgres:18: .*starts nothing/,
    );
  }
  const passwords = engine.created.map(
    ({ Env }) => (Env as string[]).find((entry) => entry.startsWith('POSTGRES_PASSWORD=')) ?? '',
  );
  expect(passwords[0]).toMatch(/=[0-9a-f]{32}$/);
  expect(passwords[0]).not.toBe(passwords[1]);
  for (const { HostConfig } of engine.created) {
    const { PortBindings } = HostConfig as { PortBindings: Record<string, { HostIp: string }[]> };
    expect(Object.values(PortBindings).flat()).toMatchObject([{ HostIp: '127.0.0.1' }]);
  }
});
