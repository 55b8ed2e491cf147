import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli, startCli } from '../support/cli.ts';
import { freshDatabase, freshTopic, stackUrls } from '../support/stack.ts';
import { until } from '../support/until.ts';

const EVENTS = fileURLToPath(new URL('../fixtures/vectors/calls/events.jsonl', import.meta.url));

describe('the commands', () => {
  let env: NodeJS.ProcessEnv;
  let drop: () => Promise<void>;
  let folder: string;

  beforeAll(async () => {
    const { kafkaBrokers, schemaRegistryUrl } = stackUrls();
    const database = await freshDatabase();
    drop = database.drop;
    folder = await mkdtemp(join(tmpdir(), 'usage-ledger-test-'));
    env = {
      KAFKA_BROKERS: kafkaBrokers,
      SCHEMA_REGISTRY_URL: schemaRegistryUrl,
      DATABASE_URL: database.url,
      DATABASE_SCHEMA: 'Billing 2026'.replace(' ', '_'),
      KAFKA_TOPICS: await freshTopic(4),
      KAFKA_GROUP_ID: 'commands',
      HTTP_PORT: '0',
      LOG_LEVEL: 'info',
    };
  });
  afterAll(async () => {
    await drop();
    await rm(folder, { recursive: true });
  });

  test('migrate may run twice, and concurrently', async () => {
    const both = await Promise.all([cli(['migrate'], env), cli(['migrate'], env)]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    const again = await cli(['migrate'], env);
    expect(again.stdout).toMatch(/nothing to do/);
  });

  test('schemas register is idempotent, and schemas check passes afterwards', async () => {
    const first = await cli(['schemas', 'register'], env);
    const second = await cli(['schemas', 'register'], env);
    const check = await cli(['schemas', 'check'], env);
    expect([first.code, second.code, check.code]).toEqual([0, 0, 0]);
    expect(second.stdout).toBe(first.stdout);
    expect(check.stdout).toMatch(/: compatible/);
  });

  test('produce names the invalid line and how many events before it were sent', async () => {
    const file = join(folder, 'wrong.jsonl');
    const [good] = (await readFile(EVENTS, 'utf8')).split('\n', 1);
    await writeFile(file, `${good}\n\n{"session_id": "x", "metric": {"type": "llm_metrics"}}\n`);
    const { code, stderr } = await cli(
      ['produce', '--file', file, '--topic', 'produce-wrong'],
      env,
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(/line 3: .*label.*; the 1 events before it were sent/);
    await writeFile(file, good?.replace('"account_id"', '"acount_id"') ?? '');
    const misspelt = await cli(['produce', '--file', file], env);
    expect(misspelt).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/unknown fields: acount_id/),
    });
    expect((await cli(['produce', '--file', folder], env)).code).toBe(2);
    const absent = await cli(['produce', '--file', join(folder, 'absent')], env);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toMatch(/--file: ENOENT/);
  });

  test('produced events are applied by run --until-caught-up, reported and verified', async () => {
    const produced = await cli(['produce', '--file', EVENTS], env);
    expect(produced).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2384 events sent/) });

    const run = await cli(['run', '--until-caught-up'], env);
    expect(run).toMatchObject({ code: 0, stdout: '' });

    const report = await cli(['report', '--format', 'json'], env);
    const rows = JSON.parse(report.stdout) as { session_id: string; event_count: number }[];
    expect(rows).toHaveLength(758);
    expect(rows.reduce((sum, { event_count }) => sum + event_count, 0)).toBe(2032);

    const session = rows[0]?.session_id ?? '';
    const csv = await cli(['report', '--session', session, '--format', 'csv'], env);
    const ofSession = rows.filter(({ session_id }) => session_id === session);
    expect(csv.stdout.trim().split('\n')).toHaveLength(ofSession.length + 1);
    expect((await cli(['report'], env)).stdout).toMatch(/^session +kind +provider/);
    expect((await cli(['report', '--session', 'x', '--format', 'json'], env)).stdout).toBe('[]\n');

    const verify = await cli(['verify', '--json'], env);
    expect(verify.code).toBe(0);
    expect(JSON.parse(verify.stdout)).toMatchObject({ ok: true, breaks: [] });
  });

  test('verify exits with 1 and names the break when a row was changed', async () => {
    const pg = await import('pg');
    const client = new pg.default.Client({ connectionString: env['DATABASE_URL'] });
    await client.connect();
    const bump = (by: number) =>
      client.query(`UPDATE "${env['DATABASE_SCHEMA']}".session_model_usage
        SET output_tokens = output_tokens + ${by}
        WHERE (session_id, model) IN (SELECT session_id, model
          FROM "${env['DATABASE_SCHEMA']}".session_model_usage ORDER BY 1, 2 LIMIT 1)`);
    await bump(1);
    const json = await cli(['verify', '--json'], env);
    const text = await cli(['verify'], env);
    await bump(-1);
    await client.end();

    expect(json.code).toBe(1);
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
    expect(JSON.parse(json.stdout).breaks[0]).toMatchObject({ check: 'usage_adds_up' });
    expect(text.code).toBe(1);
    expect(text.stdout).toMatch(/✗ the sum of usage_event equals session_model_usage/);
    expect((await cli(['verify'], env)).code).toBe(0);
  });

  test('simulate is reproducible by seed, and a worker drains on SIGTERM and exits with 0', async () => {
    const worker = startCli(['run'], env);
    await until('partitions are assigned', () => worker.log().includes('partitions assigned'));
    const args = ['simulate', '--sessions', '20', '--duplicates', '0.25', '--seed', '5'];

    const first = await cli(args, env);
    const second = await cli(args, env);
    expect(first.code).toBe(0);
    expect(second.stdout).toBe(first.stdout);
    const [events = 0, duplicates = 0] = (first.stdout.match(/\d+/g) ?? []).map(Number);
    expect(duplicates || 1).toBeGreaterThan(0);
    await until('the simulated events are applied', async () => {
      const rows = JSON.parse((await cli(['report', '--format', 'json'], env)).stdout) as unknown[];
      return rows.length > 758;
    });

    worker.process.kill('SIGTERM');
    const { code } = await worker.ended;
    expect(code).toBe(0);
    expect(events).toBeGreaterThan(100);
    expect((await cli(['run', '--until-caught-up'], env)).code).toBe(0);
    expect((await cli(['verify'], env)).code).toBe(0);
  });
});
