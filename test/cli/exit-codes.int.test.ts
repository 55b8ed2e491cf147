import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { freshDatabase, stackUrls } from '../support/stack.ts';

describe('wrong configuration', () => {
  test('exits with 2 and lists every problem', async () => {
    const { code, stdout, stderr } = await cli(['run'], {
      KAFKA_BROKERS: 'abc:def',
      STARTUP_TIMEOUT_S: '-5',
      DEAD_LETTER_LIMIT: '1.5',
      SCHEMA_REGISTRY_URL: 'localhost:8081',
    });

    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/KAFKA_BROKERS: expected host:port.* got "abc:def"/);
    expect(stderr).toMatch(/STARTUP_TIMEOUT_S: expected a whole number from 0.* got "-5"/);
    expect(stderr).toMatch(/DEAD_LETTER_LIMIT: expected a number from 0 to 1, got "1.5"/);
    expect(stderr).toMatch(/SCHEMA_REGISTRY_URL: expected a URL/);
    expect(stderr).toMatch(/DATABASE_URL: not set/);
  });

  test.each([
    [['no-such-command']],
    [['report', '--format', 'xml']],
    [['simulate', '--sessions', '-1']],
    [['simulate', '--duplicates', '2']],
    [['produce']],
    [['run', '--no-such-option']],
  ])('and wrong usage exit with 2: %j', async (args) => {
    const { code, stderr } = await cli(args, {});
    expect(code).toBe(2);
    expect(stderr).not.toBe('');
  });

  test.each([
    [['verfy'], 'Did you mean verify?'],
    [['position', 'shwo'], 'Did you mean show?'],
    [['run', '--until-caught'], 'Did you mean --until-caught-up?'],
    [['report', '--fromat', 'csv'], 'Did you mean --format?'],
  ])('and what was mistyped is suggested: %j', async (args, suggestion) => {
    const { code, stderr } = await cli(args, {});
    expect(code).toBe(2);
    expect(stderr).toContain(suggestion);
  });

  test('--help exits with 0', async () => {
    const { code, stdout } = await cli(['run', '--help'], {});
    expect(code).toBe(0);
    expect(stdout).toMatch(/--until-caught-up/);
    expect(stdout).toMatch(/\nExamples:\n {2}usage-ledger run\n/);
  });
});

describe('a dependency that does not answer', () => {
  test('exits with 3 after STARTUP_TIMEOUT_S, and every one is named', async () => {
    const port = await closedPort();
    const begun = performance.now();

    const { code, stderr } = await cli(['run'], {
      KAFKA_BROKERS: `127.0.0.1:${port}`,
      SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}`,
      DATABASE_URL: `postgres://u:hunter2@127.0.0.1:${port}/db`,
      STARTUP_TIMEOUT_S: '2',
      LOG_LEVEL: 'fatal',
    });

    expect(code).toBe(3);
    expect(performance.now() - begun).toBeLessThan(10_000);
    expect(stderr).toMatch(`Kafka at 127.0.0.1:${port} was not reached within 2 s`);
    expect(stderr).toMatch(`the schema registry at http://127.0.0.1:${port} was not reached`);
    expect(stderr).toMatch(`Postgres at 127.0.0.1:${port}/db was not reached`);
    expect(stderr).not.toMatch('hunter2');
  });

  test('that accepts connections without answering exits with 3', async () => {
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      const env = { DATABASE_URL: `postgres://u@127.0.0.1:${port}/db`, STARTUP_TIMEOUT_S: '1' };
      const { code, stderr } = await cli(['migrate'], env);
      expect(code).toBe(3);
      expect(stderr).toMatch(/was not reached within 1 s/);
    } finally {
      server.close();
    }
  });
});

test('a missing topic exits with 3 and is named', async () => {
  const { kafkaBrokers, schemaRegistryUrl } = stackUrls();
  const database = await freshDatabase();
  const env = {
    KAFKA_BROKERS: kafkaBrokers,
    SCHEMA_REGISTRY_URL: schemaRegistryUrl,
    DATABASE_URL: database.url,
    KAFKA_TOPICS: 'nobody-made-this',
    STARTUP_TIMEOUT_S: '1',
    HTTP_PORT: 'off',
    LOG_LEVEL: 'fatal',
  };
  expect((await cli(['run'], env)).stderr).toMatch(/run: usage-ledger migrate/);
  expect((await cli(['migrate'], env)).code).toBe(0);

  const { code, stderr } = await cli(['run'], { ...env, LOG_LEVEL: 'info' });

  expect(code).toBe(3);
  expect(stderr).toMatch(/topic nobody-made-this/);
  // Said once: kafkajs warned at each attempt, without the name.
  expect(stderr).not.toContain('does not host');
  // One such topic hid where all the others stand.
  const shown = await cli(['position', 'show', '--json'], env);
  expect(shown).toMatchObject({ code: 0 });
  expect(JSON.parse(shown.stdout)).toMatchObject([
    { topic: 'nobody-made-this', partition: null, problem: 'the brokers have no such topic' },
  ]);
  expect((await cli(['position', 'show'], env)).stdout).toMatch(/no such topic/);
  const where = ['--topic', 'nobody-made-this', '--partition', '0'];
  const accepted = await cli(['position', 'accept-loss', ...where], env);
  expect(accepted).toMatchObject({ code: 2, stderr: expect.stringMatching(/have no nobody/) });
  await database.drop();
});

async function closedPort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
