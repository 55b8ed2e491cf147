import { randomBytes } from 'node:crypto';
import { createLogger } from '../config/logger.ts';
import { loadSettings, type Settings } from '../config/settings.ts';
import { compareWithPython } from '../demo/compare.ts';
import { fillTopic } from '../demo/demo-topic.ts';
import { type RecordedCalls, recordedCalls } from '../demo/recorded-calls.ts';
import { CheckFailedError } from '../errors.ts';
import type { Database } from '../ledger/database.ts';
import { migrateDatabase } from '../ledger/migrate.ts';
import { registerSchema } from '../registry/subjects.ts';
import { usageRows } from '../report/usage-report.ts';
import type { Stack } from '../stack/stack.ts';
import { verify } from '../verify/verify.ts';
import { command, print } from './command.ts';
import { reachDatabase, reachKafka, reachRegistry } from './dependencies.ts';
import { ProgressBar } from './progress-bar.ts';
import { reportLine, usageTable } from './report.ts';
import { type RunOptions, runWorker } from './run-worker.ts';
import { shutdownSignal } from './shutdown.ts';
import { alignedTable, grouped } from './table.ts';

/** Sessions whose table is printed; the rest is a command away. */
const SESSIONS_SHOWN = 2;
const DATABASE_CONNECTIONS = 5;

const QUERIES = [
  `SELECT provider, model, sum(input_tokens) AS input, sum(output_tokens) AS output
FROM llm_model_usage GROUP BY 1, 2 ORDER BY 4 DESC LIMIT 3`,
  `SELECT account_id, sum(characters_count) AS characters, sum(audio_duration) AS seconds
FROM tts_model_usage JOIN session USING (session_id) GROUP BY 1 ORDER BY 1 LIMIT 3`,
  `SELECT kafka_partition, kafka_offset, metric_type, audio_duration FROM usage_event
WHERE audio_duration > 0 ORDER BY session_id, kafka_offset LIMIT 3`,
] as const;

export function demoCommand() {
  return command(
    'demo',
    'everything at once, on a local stack: recorded calls in, checked rows out',
  )
    .option('--keep', 'leave the stack and a worker running until Ctrl-C', false)
    .action(async ({ keep }: { keep: boolean }) => {
      // The stack and its tools are for checkouts; an installed worker does not load them.
      const { startStack } = await import('../stack/stack.ts');
      const calls = recordedCalls();
      const stack = await startStack({ progress: note });
      try {
        note(`services: ${stack.how}`);
        await runDemo(stack, calls, keep);
      } finally {
        await stack.stop();
      }
    });
}

async function runDemo(stack: Stack, calls: RecordedCalls, keep: boolean): Promise<void> {
  const settings = demoSettings(stack);
  const logger = createLogger(settings.LOG_LEVEL);
  const topic = settings.KAFKA_TOPICS[0] ?? '';
  await migrateDatabase(settings);
  const kafka = await reachKafka(settings, logger);
  const registry = await reachRegistry(settings);
  const schemaId = await registerSchema(registry, settings, topic);
  const database = await reachDatabase(settings, DATABASE_CONNECTIONS);
  try {
    const produced = await fillTopic(kafka, registry, schemaId, topic, calls.events);
    note(
      `produced to ${topic}: ${produced.events} events of recorded calls, ${produced.again} of them ` +
        `a second time, and ${produced.rubbish} messages of rubbish`,
    );
    const bar = new ProgressBar('applying');
    // Until here a signal simply ends the process; the stack is ended by its guardian.
    const signal = shutdownSignal(logger);
    const options: RunOptions = {
      settings,
      logger,
      kafka,
      registry,
      database,
      untilCaughtUp: true,
      signal,
      onProgress: ({ done, total }) => bar.update(done, total),
    };
    const { counts } = await runWorker(options);
    bar.end(`${Object.values(counts).reduce((sum, count) => sum + count, 0)} messages`);
    if (signal.aborted) return;
    await printUsage(database);
    print(
      `\n${counts.applied} events applied, ${counts.duplicate} duplicate, ${counts.ignored} ignored ` +
        `(not billable), ${counts.conflict} conflicting, ${counts.dead_letter} dead letters`,
    );
    const problems = [
      ...(await pythonProblems(database, calls)),
      ...(await bookProblems(database)),
    ];
    await printQueries(database, stack, settings, keep);
    if (problems.length > 0) throw new CheckFailedError(problems.join('\n'));
    if (keep) {
      note('\nA worker is running. Ctrl-C stops everything.');
      const onHttp = (address: string) =>
        note(`It serves http://${address}/readyz, /healthz and /metrics.`);
      await runWorker({ ...options, untilCaughtUp: false, onHttp });
    }
  } finally {
    await database.end();
  }
}

/** Our own stack has the default names; in services of others the demo keeps to itself. */
function demoSettings(stack: Stack): Settings {
  const ours = stack.external.length === 0;
  const suffix = randomBytes(3).toString('hex');
  const names = ours
    ? {}
    : {
        KAFKA_TOPICS: `usage-ledger-demo-${suffix}`,
        KAFKA_GROUP_ID: `usage-ledger-demo-${suffix}`,
        DATABASE_SCHEMA: `usage_ledger_demo_${suffix}`,
      };
  const env = {
    HTTP_PORT: '0',
    LOG_LEVEL: 'error',
    ...process.env,
    ...names,
    KAFKA_BROKERS: stack.kafkaBrokers,
    SCHEMA_REGISTRY_URL: stack.schemaRegistryUrl,
    DATABASE_URL: stack.databaseUrl,
  };
  return loadSettings(env, ['kafka', 'registry', 'database']);
}

async function printUsage(database: Database): Promise<void> {
  const shown: string[][] = [];
  const sessions = new Set<string>();
  let rows = 0;
  for await (const row of usageRows(database)) {
    rows += 1;
    sessions.add(row.session_id);
    if (sessions.size <= SESSIONS_SHOWN) shown.push(reportLine(row));
  }
  print(`\nUsage per session and model, ${SESSIONS_SHOWN} of ${sessions.size} sessions:\n`);
  print(usageTable(shown));
  print(`… and ${rows - shown.length} more rows (the command report prints them all)`);
}

async function pythonProblems(database: Database, calls: RecordedCalls): Promise<string[]> {
  const { rows, differences } = await compareWithPython(database, calls);
  const agree = differences.length === 0;
  print(
    agree
      ? `✓ all ${rows} rows are what LiveKit's Python collectors answer, durations to the last digit`
      : `✗ ${differences.length} differences from what LiveKit's Python collectors answer`,
  );
  return [...differences];
}

async function bookProblems(database: Database): Promise<string[]> {
  const { checks, breaks, ok } = await verify(database);
  print(
    ok
      ? `✓ the books close: ${checks.length} checks, every offset accounted for`
      : `✗ the books do not close: ${breaks.length} breaks`,
  );
  return breaks.map(({ check, found }) => `${check}: ${JSON.stringify(found)}`);
}

async function printQueries(
  database: Database,
  stack: Stack,
  settings: Settings,
  keep: boolean,
): Promise<void> {
  print('\nThree queries to try:');
  for (const query of QUERIES) {
    const { rows, fields } = await database.query<Record<string, unknown>>(query);
    const columns = fields.map(({ name }) => ({ title: name }));
    const lines = rows.map((row) => columns.map(({ title }) => cell(row[title])));
    print(`\n${query};\n`);
    print(alignedTable(columns, lines).replace(/^/gm, '  '));
  }
  print(`\nConnect:  psql '${stack.databaseUrl}'`);
  print(`          SET search_path = ${settings.DATABASE_SCHEMA};`);
  if (!keep) print('The stack ends with this command; to keep it: npm run demo -- --keep');
  else {
    print('\nFor another terminal:');
    print(`export KAFKA_BROKERS='${stack.kafkaBrokers}'`);
    print(`export SCHEMA_REGISTRY_URL='${stack.schemaRegistryUrl}'`);
    print(`export DATABASE_URL='${stack.databaseUrl}'`);
    if (stack.external.length > 0) {
      print(`export KAFKA_TOPICS='${settings.KAFKA_TOPICS.join(',')}'`);
      print(`export KAFKA_GROUP_ID='${settings.KAFKA_GROUP_ID}'`);
      print(`export DATABASE_SCHEMA='${settings.DATABASE_SCHEMA}'`);
    }
    print('npm run -s usage-ledger -- simulate --sessions 50');
  }
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)
    ? grouped(value)
    : String(value);
}

function note(line: string): void {
  process.stderr.write(`${line}\n`);
}
