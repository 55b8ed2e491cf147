import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { calls, newWorld, type World } from '../support/world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** What a terminal obeys, what turns the reading order around, and a line that looks like ours. */
const HOSTILE = '=cmd\x1b[2J\u202e\nforged';
const UNSEEN = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

let world: World;
beforeAll(async () => {
  world = await newWorld(1);
  const [llm] = calls.events.filter(({ metric }) => metric.type === 'llm_metrics');
  const [stt] = calls.events.filter(({ metric }) => metric.type === 'stt_metrics');
  if (llm === undefined || stt === undefined) throw new Error('the recorded calls have both');
  const metadata = { model_name: HOSTILE, model_provider: '+1' };
  const hostile = (fields: object) => ({
    ...llm,
    session_id: HOSTILE,
    metric: { ...llm.metric, metadata, ...fields },
  });
  const exact = (fields: object) => ({
    ...stt,
    session_id: 'exact',
    metric: { ...stt.metric, ...fields },
  });
  await world.send(
    await world.encode([
      hostile({ request_id: 'a', prompt_tokens: 2 ** 52 }),
      hostile({ request_id: 'b', prompt_tokens: 2 ** 52 + 1 }),
      // The same emission, otherwise.
      hostile({ request_id: 'b', prompt_tokens: 1 }),
      exact({ request_id: '1', audio_duration: 0.1 }),
      exact({ request_id: '2', audio_duration: 1e-17 }),
    ]),
  );
  await world.send([{ key: HOSTILE, value: Buffer.from(HOSTILE) }]);
  await world.run();
});
afterAll(async () => {
  await world.close();
});
const command = (...args: string[]) => cli(args, world.env);

describe('hostile names', () => {
  test('are escaped in every table and in JSON', async () => {
    const shown = await Promise.all([
      command('report'),
      command('report', '--format', 'json'),
      command('conflicts', 'list'),
      command('conflicts', 'list', '--json'),
      command('dead-letters', 'show', `${world.topic}/0/5`),
    ]);
    for (const { code, stdout } of shown) {
      expect(code).toBe(0);
      expect(stdout).not.toMatch(UNSEEN);
      expect(stdout).not.toMatch(/^forged/m);
    }
    expect(shown[0]?.stdout).toContain('=cmd\\x1b[2J\\u202e\\nforged');
    const rows = JSON.parse(shown[1]?.stdout ?? '') as { session_id: string }[];
    expect(rows.map(({ session_id }) => session_id)).toContain(HOSTILE);
  });

  test('are escaped in error messages', async () => {
    const { code, stderr } = await command('report', '--session', `x${HOSTILE}`);
    expect(code).toBe(1);
    expect(stderr).not.toMatch(UNSEEN);
  });

  test('do not become formulas in CSV', async () => {
    const { stdout } = await command('report', '--session', HOSTILE, '--format', 'csv');
    const [, ...rest] = stdout.split('\n');
    expect(rest.join('\n')).toBe(
      `"'${HOSTILE}",llm_usage,"'+1","'${HOSTILE}",${rest.join('\n').split(',').slice(4).join(',')}`,
    );
  });
});

test('JSON has durations, and counts above 2^53, as strings', async () => {
  const { stdout } = await command('report', '--format', 'json');
  const rows = JSON.parse(stdout) as Record<string, unknown>[];
  expect(rows.find(({ session_id }) => session_id === 'exact')).toMatchObject({
    audio_duration: '0.10000000000000001',
    session_duration: '0',
    event_count: 2,
  });
  expect(rows.find(({ session_id }) => session_id === HOSTILE)).toMatchObject({
    input_tokens: '9007199254740993',
    event_count: 2,
  });
});

describe('a command without a result fails:', () => {
  test('report of a session without usage exits with 1 and prints valid JSON', async () => {
    const [table, json] = await Promise.all([
      command('report', '--session', 'unknown'),
      command('report', '--session', 'unknown', '--format', 'json'),
    ]);
    expect(table).toMatchObject({ code: 1, stdout: '' });
    expect(table.stderr).toMatch(/no usage for session unknown/);
    expect(json).toMatchObject({ code: 1, stdout: '[]\n' });
  });

  test('a redrive that applies no dead letter exits with 1', async () => {
    const { code, stdout } = await command('dead-letters', 'redrive');
    expect(stdout).toMatch(/1 still refused/);
    expect(code).toBe(1);
  });

  test('a range of time that ends before it begins exits with 2', async () => {
    const range = ['--since', '2026-02-01T00:00:00Z', '--until', '2026-01-01T00:00:00Z'];
    const [verify, list] = await Promise.all([
      command('verify', ...range),
      command('dead-letters', 'list', ...range),
    ]);
    expect(verify.code).toBe(2);
    expect(verify.stdout).not.toMatch(/balance/);
    expect(verify.stderr).toMatch(/--until 2026-01-01.*expected a time after --since/);
    expect(list.code).toBe(2);
  });

  test('a replay of a range without messages exits with 1, and of a missing topic with 2', async () => {
    const [empty, absent] = await Promise.all([
      command('replay', '--from-timestamp', '2200-01-01T00:00:00Z'),
      command('replay', '--topic', 'nobody-made-this', '--from-beginning'),
    ]);
    expect(empty.code).toBe(1);
    expect(empty.stderr).toMatch(/nothing was read/);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toMatch(/nobody-made-this: the brokers have no such topic/);
  });
});

describe('a reader that closes the pipe', () => {
  const shell = async (line: string) => {
    const options = { cwd: ROOT, env: { PATH: process.env['PATH'], ...world.env } };
    return promisify(execFile)('bash', ['--norc', '-c', line], options);
  };

  test('causes no error in any command', async () => {
    // Enough to fill the pipe and more, before head closes it.
    await world.database.query(
      `INSERT INTO session_model_usage
       SELECT (jsonb_populate_record(NULL::session_model_usage,
         to_jsonb(usage) || jsonb_build_object('session_id', 'filler-' || n))).*
       FROM (SELECT * FROM session_model_usage LIMIT 1) AS usage, generate_series(1, 3000) AS n`,
    );
    try {
      for (const format of ['csv', 'json', 'table']) {
        const { stdout, stderr } = await shell(
          `node dist/main.js report --format ${format} | head -n 1 >/dev/null; echo "\${PIPESTATUS[0]}"`,
        );
        expect({ format, stdout, stderr }).toEqual({ format, stdout: '0\n', stderr: '' });
      }
    } finally {
      await world.database.query(
        `DELETE FROM session_model_usage WHERE session_id LIKE 'filler-%'`,
      );
    }
  });

  test('of standard error does not change the exit code', async () => {
    const { stdout } = await shell(
      'exec 3>&1; { node dist/main.js report --session unknown; echo "$?" >&3; } 2>&1 >/dev/null | true',
    );
    expect(stdout).toBe('1\n');
  });
});
