import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckedFinding } from '../../src/cli/doctor/run-checks.ts';
import { createLogger } from '../../src/config/logger.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { cli } from '../support/cli.ts';
import { freshDatabase, freshTopic, stackUrls } from '../support/stack.ts';
import { newWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await newWorld(2);
});
afterAll(async () => {
  await world.close();
});

interface Report {
  readonly ok: boolean;
  readonly findings: CheckedFinding[];
}

async function doctor(env: NodeJS.ProcessEnv) {
  const { code, stdout } = await cli(['doctor', '--json'], { ...world.env, ...env });
  const report = JSON.parse(stdout) as Report;
  const of = (check: string) => report.findings.filter((finding) => finding.check === check);
  return { code, ok: report.ok, of, findings: report.findings };
}

describe('doctor', () => {
  test('finds nothing to do where a worker can start, and exits with 0', async () => {
    const { code, ok, findings } = await doctor({ KAFKA_DEAD_LETTER_TOPIC: await freshTopic(1) });
    const bad = findings.filter(({ verdict }) => verdict !== 'ok');
    expect(bad).toEqual([]);
    expect([code, ok]).toEqual([0, true]);
    expect(findings.map(({ check }) => check)).toEqual([
      'settings',
      'brokers',
      'topics',
      'dead-letter topic',
      'group',
      'registry',
      'subjects',
      'database',
      'schema',
      'rights',
      'months',
      'positions',
      'halts',
      'clock of the database',
      'clock of the records',
    ]);
  });

  test('prints a line for each finding, and what to do', async () => {
    const env = {
      ...world.env,
      KAFKA_BROKERS: `${world.env['KAFKA_BROKERS']},127.0.0.1:1`,
      KAFKA_DEAD_LETTER_TOPIC: 'no-such-topic',
    };
    const { code, stdout } = await cli(['doctor'], env);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ok {4}settings: valid\n/);
    expect(stdout).toMatch(/^warn {2}brokers: 127\.0\.0\.1:1: .*\n {6}→ check KAFKA_BROKERS/m);
    expect(stdout).toMatch(/^warn {2}dead-letter topic: no-such-topic: the brokers have no such/m);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no colours but on a terminal
    expect(stdout).not.toMatch(/\x1b/);
  });

  test('reports everything that is missing at once, and exits with 1', async () => {
    const { url, drop } = await freshDatabase(stackUrls().databaseUrl);
    try {
      const { code, ok, of } = await doctor({
        KAFKA_BROKERS: '127.0.0.1:1',
        SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
        DATABASE_URL: url,
      });
      expect([code, ok]).toEqual([1, false]);
      expect(of('brokers')).toMatchObject([{ verdict: 'fail', subject: '127.0.0.1:1' }]);
      expect(of('topics')).toMatchObject([{ verdict: 'skip' }]);
      expect(of('registry')).toMatchObject([{ verdict: 'fail' }]);
      expect(of('subjects')).toMatchObject([{ verdict: 'skip' }]);
      expect(of('database')).toMatchObject([{ verdict: 'ok' }]);
      expect(of('schema')).toMatchObject([{ verdict: 'fail', todo: 'run: usage-ledger migrate' }]);
      expect(of('rights')).toMatchObject([{ verdict: 'skip' }]);
      expect(of('clock of the database')).toMatchObject([{ verdict: 'ok' }]);
    } finally {
      await drop();
    }
  });

  test('does not wait for what accepts connections and never answers', async () => {
    const server = createServer(() => {});
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    try {
      const { code, of } = await doctor({
        KAFKA_BROKERS: `127.0.0.1:${port}`,
        SCHEMA_REGISTRY_URL: `http://127.0.0.1:${port}`,
        DATABASE_URL: `postgres://u@127.0.0.1:${port}/db`,
        STARTUP_TIMEOUT_S: '1',
      });
      expect(code).toBe(1);
      const late = { verdict: 'fail', found: 'no answer within 1 s' };
      expect(of('brokers')).toMatchObject([late]);
      expect(of('registry')).toMatchObject([late]);
      expect(of('database')).toMatchObject([late]);
    } finally {
      server.close();
    }
  });

  test('names the rights that the user lacks, and the user who migrates', async () => {
    const [name, password] = [`test_doctor_${process.pid}`, 'pw-doctor'];
    const { database } = world;
    await database.query(`CREATE ROLE ${name} LOGIN PASSWORD '${password}'`);
    await database.query(`GRANT usage_ledger_reader TO ${name}`);
    try {
      const url = new URL(world.settings.DATABASE_URL);
      [url.username, url.password] = [name, password];
      const lacking = await doctor({ DATABASE_URL: url.href });
      expect(lacking.of('rights')).toMatchObject([{ verdict: 'fail', subject: name }]);
      expect(lacking.of('rights')[0]?.found).toMatch(/INSERT, SELECT, UPDATE on ledger_page/);
      await database.query(`GRANT usage_ledger_writer TO ${name}`);
      const { of } = await doctor({ DATABASE_URL: url.href });
      expect(of('rights')).toMatchObject([{ verdict: 'ok' }]);
      expect(of('rights')[0]?.found).toMatch(/and not migrate, as "\w+" may/);
    } finally {
      await database.query(`DROP ROLE ${name}`);
    }
  });

  test('finds other groups, halts, months without a partition and records from the future', async () => {
    const { database, topic } = world;
    await database.query(
      `INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
        range_first_offset, generation, halted_at, halt_kind, halt_why)
      VALUES ('elsewhere', $1, 0, 0, 0, 0, 0, now(), 'dead_letter_limit', 'half are dead letters')`,
      [topic],
    );
    const month = (
      await database.query(`SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AS name`)
    ).rows[0].name;
    await database.query(`DROP TABLE ledger_page_${month}`);
    const producer = createKafka(world.settings, createLogger('silent')).producer();
    await producer.connect();
    const timestamp = String(Date.now() + 3_600_000);
    await producer.send({ topic, messages: [{ partition: 1, value: 'a', timestamp }] });
    await producer.disconnect();

    const { code, of } = await doctor({});
    expect(code).toBe(0);
    expect(of('positions')).toMatchObject([{ verdict: 'warn', todo: 'check KAFKA_GROUP_ID' }]);
    expect(of('positions')[0]?.found).toContain('"elsewhere"');
    expect(of('months')).toMatchObject([{ verdict: 'warn', todo: 'run: usage-ledger migrate' }]);
    expect(of('months')[0]?.found).toContain(`ledger_page_${month}`);
    expect(of('clock of the records')).toMatchObject([{ verdict: 'warn', subject: `${topic}/1` }]);

    const halted = await doctor({ KAFKA_GROUP_ID: 'elsewhere' });
    expect(halted.code).toBe(1);
    expect(halted.of('halts')).toMatchObject([
      { verdict: 'fail', subject: `${topic}/0`, found: 'is halted: half are dead letters' },
    ]);
    expect(halted.of('halts')[0]?.todo).toContain(`position resume --topic ${topic}`);
  });

  test('exits with 2 when the settings are invalid, in JSON too', async () => {
    const { code, ok, findings } = await doctor({ KAFKA_BROKERS: 'x' });
    expect([code, ok]).toEqual([2, false]);
    expect(findings).toMatchObject([{ check: 'settings', verdict: 'fail' }]);
    expect(findings[0]?.found).toMatch(/KAFKA_BROKERS: expected host:port/);
  });
});
