import { type ChildProcess, exec, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePorts } from '../../tools/stack/free-ports.ts';
import { startLocalPostgres } from '../../tools/stack/local-postgres.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import { kafkaTool } from '../support/kafka-tool.ts';
import { commandsOf, inlineCodeOf, ROOT, readPage } from '../support/pages.ts';
import { findProgram } from '../support/programs.ts';
import { stackUrls } from '../support/stack.ts';
import { until } from '../support/until.ts';

/**
 * docs/operating.md word for word, and then what the README says of running: from an empty server to a
 * backup, the loss of the ledger and its restore. The server is of the version of `pg_dump`.
 */

const RUN = 'npm run -s usage-ledger -- run';
const EVENTS = join(ROOT, 'test/fixtures/vectors/livekit-1.8.9/calls/events.jsonl');

let folder: string;
let watchdog: Watchdog;
let database: pg.Pool;
let topic: string;
let port: number;
let env: NodeJS.ProcessEnv;
let worker: ChildProcess | undefined;
let sent = 0;
beforeAll(async () => {
  const bin = dirname(findProgram('initdb') ?? '');
  watchdog = await Watchdog.start();
  const context = { watchdog, env: process.env, progress: () => {} };
  const { url } = await startLocalPostgres(context, {}, { bin, locale: ['--locale=C'] });
  database = new pg.Pool({ connectionString: url, options: '-c search_path=usage_ledger' });
  [port = 0] = await freePorts(1);
  topic = `operating-${process.pid}-${port}`;
  folder = await mkdtemp(join(tmpdir(), 'usage-ledger-operating-'));
  env = {
    PATH: [bin, dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: process.env['HOME'],
    KAFKA_BROKERS: stackUrls().kafkaBrokers,
    SCHEMA_REGISTRY_URL: stackUrls().schemaRegistryUrl,
    DATABASE_URL: url,
    KAFKA_TOPICS: topic,
    KAFKA_GROUP_ID: topic,
    HTTP_PORT: String(port),
    LOG_LEVEL: 'error',
  };
});
afterAll(async () => {
  if (worker?.pid !== undefined) process.kill(-worker.pid, 'SIGKILL');
  await database.end();
  await watchdog.close();
  await rm(folder, { recursive: true });
});

/** Runs a line in a shell, and gives what it printed; rejects where its exit code is not 0. */
async function shell(line: string): Promise<string> {
  const cwd = line.startsWith('npm ') ? ROOT : folder;
  return (await promisify(exec)(line, { cwd, env })).stdout;
}

/** `kafka-topics.sh` is one line that starts this class; the jars of the stack come without it. */
async function createTopic(line: string): Promise<void> {
  const args = line.split(' ').slice(1);
  await kafkaTool(
    'org.apache.kafka.tools.TopicCommand',
    args.map((arg) => arg.replace('"$KAFKA_BROKERS"', stackUrls().kafkaBrokers)),
  );
}

async function startWorker(): Promise<void> {
  worker = spawn(`exec ${RUN}`, { cwd: ROOT, env, shell: true, detached: true, stdio: 'ignore' });
  await until('the worker is ready', async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    return answer?.ok === true;
  });
}

/** As a terminal or a service manager does. */
async function stopWorker(): Promise<void> {
  const stopped = worker;
  if (stopped?.pid === undefined) throw new Error('no worker runs');
  const ended = once(stopped, 'exit');
  process.kill(-stopped.pid, 'SIGTERM');
  expect(await ended).toEqual([0, null]);
  worker = undefined;
}

/** Sends the next of the recorded events. */
async function produce(count: number): Promise<void> {
  const lines = (await readFile(EVENTS, 'utf8')).split('\n');
  const file = join(folder, 'events.jsonl');
  await writeFile(file, lines.slice(sent, sent + count).join('\n'));
  await shell(`npm run -s usage-ledger -- produce --file ${file}`);
  sent += count;
}

/** Until as many messages are in the books. */
async function untilBooked(count: number): Promise<void> {
  await until(`${count} messages are booked`, async () => {
    const { rows } = await database.query('SELECT sum(consumed)::int AS n FROM consumed_range');
    return rows[0]?.n === count;
  });
}

const rowsOfUsage = async () =>
  (
    await database.query(
      `SELECT to_jsonb(usage) - '{updated_at,revision}'::text[] AS row
        FROM session_model_usage AS usage ORDER BY session_id, usage_type, provider, model`,
    )
  ).rows;

test('every command of docs/operating.md, and of the README for running it, does what it says', async () => {
  const page = readPage('docs/operating.md');
  const inBlocks = commandsOf(page).filter((line) => !line.startsWith('export '));
  const inSentences = inlineCodeOf(page)
    .filter((code) => code.startsWith('usage-ledger '))
    .map((code) => code.replace('usage-ledger', 'npm run -s usage-ledger --'));
  const commands = [...inBlocks, ...inSentences.filter((line) => !inBlocks.includes(line))];
  const printed = new Map<string, string>();
  let before: unknown[] = [];

  for (const command of commands) {
    const line = command.replace('agent-metrics', topic).replace(':9464', `:${port}`);
    if (line.startsWith('kafka-topics.sh ')) await createTopic(line);
    else if (line === RUN) {
      await produce(1_000);
      await startWorker();
      await untilBooked(1_000);
    } else printed.set(command, await shell(line));

    if (line.startsWith('pg_dump ')) {
      await produce(500);
      await untilBooked(1_500);
      before = await rowsOfUsage();
      await stopWorker();
      const roles = 'usage_ledger_writer, usage_ledger_reader';
      await database.query(`DROP SCHEMA usage_ledger CASCADE; DROP ROLE ${roles}`);
    }
    if (line.startsWith('pg_restore ')) await untilBooked(1_000);
  }
  // After the restore it continues from the position of the backup.
  await startWorker();
  await untilBooked(1_500);
  await stopWorker();

  expect(commands).toHaveLength(15);
  expect(printed.get('npm run -s usage-ledger -- doctor')).not.toMatch(/^(fail|warn)/m);
  expect(printed.get('npm run -s usage-ledger -- verify')).toMatch(/the books balance\n$/);
  expect(before.length).toBeGreaterThan(50);
  expect(await rowsOfUsage()).toEqual(before);
  const { rows } = await database.query(
    `SELECT account_id FROM session WHERE session_id = 'AJ_06c4f5a2507ff1'`,
  );
  expect(rows).toEqual([{ account_id: 'acme' }]);

  const ofTheReadme = commandsOf(readPage('README.md')).filter((line) =>
    line.startsWith('npm run -s'),
  );
  expect(ofTheReadme).toHaveLength(3);
  expect(commands).toEqual(expect.arrayContaining(ofTheReadme));
});
