import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cli } from '../support/cli.ts';
import { breaks, newWorld, type World } from '../support/world.ts';
import { livekitAgents } from './livekit-agents.ts';

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL('../../clients/node', import.meta.url));
const SCRIPTS = ['node-agent.mjs', 'node-agent-models.mjs'];
/** The SDK is 285 MB, once per machine. */
const INSTALL_TIMEOUT_MS = 900_000;

/** What a FakeLLM reports for one request. */
const REQUEST = {
  usage_type: 'llm_usage',
  provider: 'fake',
  input_tokens: 100,
  input_cached_tokens: 7,
  input_cache_creation_tokens: 3,
  output_tokens: 20,
};
/** Both sentences of 59 and 62 characters, two seconds each. */
const SPEECH = {
  usage_type: 'tts_usage',
  provider: 'fake',
  model: 'voice',
  characters_count: 121,
  audio_duration: 4,
  input_tokens: 10,
  output_tokens: 100,
};
const EXPECTED = [
  {
    session_id: 'detections',
    usage_type: 'eot_usage',
    provider: 'livekit',
    model: 'turn-detector',
    total_requests: 3,
  },
  {
    session_id: 'detections',
    usage_type: 'interruption_usage',
    provider: 'livekit',
    model: 'adaptive interruption',
    total_requests: 3,
  },
  { session_id: 'fallback', usage_type: 'llm_usage', provider: 'fake', model: 'broken' },
  { session_id: 'fallback', model: 'large', ...REQUEST },
  { session_id: 'fallback of sentences', ...SPEECH },
  { session_id: 'fallback of stream adapter', ...SPEECH },
  { session_id: 'interrupted', model: 'slow', ...REQUEST },
  { session_id: 'nested', model: 'large', ...REQUEST },
  { session_id: 'plain', model: 'large', ...REQUEST },
  {
    session_id: 'realtime',
    usage_type: 'llm_usage',
    provider: 'api.openai.com',
    model: 'gpt-realtime',
    input_tokens: 300,
    input_cached_tokens: 60,
    input_audio_tokens: 200,
    input_cached_audio_tokens: 50,
    input_text_tokens: 100,
    input_cached_text_tokens: 10,
    output_tokens: 40,
    output_audio_tokens: 30,
    output_text_tokens: 10,
    session_duration: 12.345,
  },
  { session_id: 'sentences', ...SPEECH },
  { session_id: 'stream adapter', ...SPEECH },
  {
    session_id: 'transcription',
    usage_type: 'stt_usage',
    provider: 'fake',
    model: 'ear',
    audio_duration: 1,
  },
];

let folder: string;
let world: World;
let stdout: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-node-agent-'));
  await writeFile(join(folder, 'package.json'), '{"private":true}');
  const packed = await run('npm', ['pack', '--silent', '--pack-destination', folder], {
    cwd: PACKAGE,
  });
  await run('npm', ['install', '--no-audit', '--no-fund', `./${packed.stdout.trim()}`], {
    cwd: folder,
  });
  world = await newWorld(2);
}, INSTALL_TIMEOUT_MS);

afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

test('the package brings an Avro and a Kafka library into an agent, and nothing else', async () => {
  const installed = await readdir(join(folder, 'node_modules'));
  expect(installed.filter((name) => !name.startsWith('.')).sort()).toEqual([
    'avsc',
    'kafkajs',
    'usage-ledger-emitter',
  ]);
});

test(
  'what the models of real sessions were asked for is in the ledger, once',
  async () => {
    await symlink(join(await livekitAgents(), '@livekit'), join(folder, 'node_modules/@livekit'));
    await mkdir(join(folder, 'agent'));
    for (const script of SCRIPTS) {
      await copyFile(new URL(script, import.meta.url), join(folder, 'agent', script));
    }
    ({ stdout } = await run(process.execPath, [join(folder, 'agent/node-agent.mjs')], {
      env: { ...process.env, ...world.env },
      timeout: 120_000,
    }));
    await world.run();

    expect(await ledgerRows()).toEqual(EXPECTED);
    const { rows: diverted } = await world.database.query(
      'SELECT reason FROM dead_letter UNION ALL SELECT metric_type FROM event_conflict',
    );
    expect(diverted).toEqual([]);
    expect(await breaks(world.database)).toEqual([]);
  },
  INSTALL_TIMEOUT_MS,
);

test('reconcile finds the faults of the SDK, names them, and agrees with every other session', async () => {
  const { code, stdout: printed } = await cli(['reconcile', '--json'], world.env);
  expect(code).toBe(1);
  const { differences, ...summary } = JSON.parse(printed);
  expect(summary).toEqual({
    sessions_compared: 10,
    // The one whose metrics the test emits by itself.
    sessions_without_report: 1,
    sessions_that_differ: 7,
    ok: false,
  });
  const reasons = (differences as { session_id: string; reasons: string[] }[]).flatMap(
    ({ session_id, reasons }) => reasons.map((reason) => `${session_id}: ${reason}`),
  );
  expect([...new Set(reasons)]).toEqual([
    'fallback: adapter_copy',
    'fallback of sentences: adapter_copy',
    'fallback of stream adapter: whole_speech',
    'nested: adapter_copy',
    'realtime: unnamed_model',
    'sentences: whole_speech',
    'stream adapter: whole_speech',
  ]);
});

test('the sessions themselves count more: that is why the emitter corrects them', async () => {
  const { counted, stats } = JSON.parse(stdout);
  expect(stats).toMatchObject({ failed: 0, dropped: 0 });
  expect(counted['fallback'].map(({ model }: { model: string }) => model)).toEqual([
    'broken',
    'large',
    'FallbackAdapter',
  ]);
  expect(counted['sentences'][0]).toMatchObject({ charactersCount: 121 + 122 });
  expect(counted['realtime'][0]).toMatchObject({ provider: '', model: '' });
  expect(counted['plain']).toEqual([
    {
      type: 'llm_usage',
      provider: 'fake',
      model: 'large',
      inputTokens: 100,
      inputCachedTokens: 7,
      inputCacheCreationTokens: 3,
      outputTokens: 20,
    },
  ]);
});

/** The rows of the ledger, without what is zero. */
async function ledgerRows(): Promise<unknown[]> {
  const { rows } = await world.database.query<{ row: Record<string, unknown> }>(
    `SELECT to_jsonb(u) - '{event_count,first_event_at,last_event_at,updated_at}'::text[] AS row
     FROM session_model_usage u ORDER BY session_id, usage_type, model`,
  );
  return rows.map(({ row }) =>
    Object.fromEntries(Object.entries(row).filter(([, value]) => value !== 0)),
  );
}
