import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { cli } from '../support/cli.ts';
import { INSTALL_TIMEOUT_MS, pythonWithLiveKit } from '../support/python-environment.ts';
import { readTopic } from '../support/read-topic.ts';
import { breaks, newWorld, type World } from '../support/world.ts';

const CLIENT = fileURLToPath(new URL('../../clients/python/', import.meta.url));
const PYTEST_TIMEOUT_MS = 300_000;

type Usage = Record<string, string | number> & { type: string; provider: string; model: string };

interface Call {
  usage: Usage[];
  stats: { sent: number; failed: number; dropped: number };
}

/** Runs a program of the client's environment; rejects with its output when it fails. */
async function run(python: string, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const ran = promisify(execFile)(python, args, {
    cwd: CLIENT,
    env: { ...process.env, PYTHONPATH: 'src', PYTHONDONTWRITEBYTECODE: '1', ...env },
  });
  const { stdout } = await ran.catch((error: Error & { stdout?: string; stderr?: string }) => {
    throw new Error(`${args.join(' ')}: ${error.message}\n${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

describe.each(['1.5.10', '1.8.9'])('the Python emitter with livekit-agents %s', (version) => {
  let python: string;
  let world: World;
  beforeAll(async () => {
    python = await pythonWithLiveKit(version);
  }, INSTALL_TIMEOUT_MS);
  beforeEach(async () => {
    world = await newWorld(2);
  });
  afterEach(async () => {
    await world.close();
  });

  async function call(topic = world.topic, ...options: string[]): Promise<Call> {
    const env = { ...world.env, KAFKA_TOPICS: topic };
    return JSON.parse(await run(python, ['tests/agent/call.py', 'call-1', ...options], env));
  }

  test('passes its own tests', { timeout: PYTEST_TIMEOUT_MS }, async () => {
    expect(await run(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'])).toContain('passed');
  });

  test('bills a call exactly as its session counted it', async () => {
    const { usage, stats } = await call();
    const { counts } = await world.run();

    expect(usage.map(({ type }) => type)).toEqual(['llm_usage', 'tts_usage', 'stt_usage']);
    expect(stats).toMatchObject({ failed: 0, dropped: 0 });
    expect(counts).toMatchObject({ duplicate: 0, conflict: 0, dead_letter: 0 });
    expect(counts.applied + counts.ignored).toBe(stats.sent);
    const { rows } = await world.database.query<Record<string, unknown>>(
      "SELECT * FROM session_model_usage JOIN session USING (session_id) WHERE account_id = 'acct-1'",
    );
    expect(rows).toHaveLength(usage.length);
    for (const { type, provider, model, ...counted } of usage) {
      const row = rows.find((each) => each['usage_type'] === type);
      expect(row).toMatchObject({ session_id: 'call-1', provider, model });
      for (const [name, value] of Object.entries(counted)) {
        // The ledger's sums of durations are exact, those of the session are of floats.
        if (Number.isInteger(value)) expect([name, Number(row?.[name])]).toEqual([name, value]);
        else expect(Number(row?.[name]), name).toBeCloseTo(Number(value), 12);
      }
    }
    expect(await breaks(world.database)).toEqual([]);
    expect(await cli(['reconcile'], world.env)).toMatchObject({
      code: 0,
      stdout: 'the only session with a report agrees with it\n',
    });
  });

  test('sends what the session counted itself last, under a schema that is registered already', async () => {
    const { usage, stats } = await call(world.topic, 'registered');
    const messages = await readTopic(world.settings.KAFKA_BROKERS, world.topic, stats.sent);
    const registry = createRegistry(world.settings);
    const events = await Promise.all(messages.map(({ value }) => registry.decode(value as Buffer)));

    const { session_id, account_id, attributes, metric } = events.at(-1);
    expect({ session_id, account_id, attributes: { ...attributes } }).toEqual({
      session_id: 'call-1',
      account_id: 'acct-1',
      attributes: { agent: 'offline' },
    });
    expect(metric['usage_ledger.SessionUsageReport'].model_usage).toMatchObject(usage);
    expect(messages.every(({ key }) => key?.toString() === 'call-1')).toBe(true);
  });

  test('sends to a topic that does not exist yet', async () => {
    const { stats } = await call(`${world.topic}-new`);
    expect(stats).toMatchObject({ failed: 0, dropped: 0 });
    expect(stats.sent).toBeGreaterThan(0);
  });
});

test(
  'the Python emitter is typed strictly and has no lint',
  async () => {
    const python = await pythonWithLiveKit('1.8.9');
    await run(python, ['-m', 'mypy', '--cache-dir', '/dev/null']);
    await run(python, ['-m', 'ruff', 'check', '--no-cache', '.']);
    await run(python, ['-m', 'ruff', 'format', '--no-cache', '--check', '.']);
  },
  INSTALL_TIMEOUT_MS,
);
