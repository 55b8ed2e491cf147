import { command, note, print } from '../../src/cli/command.ts';
import { ProgressBar } from '../../src/cli/progress-bar.ts';
import { reachDatabase, reachServer } from '../../src/cli/reach-database.ts';
import { reachKafka } from '../../src/cli/reach-kafka.ts';
import { reachRegistry } from '../../src/cli/reach-registry.ts';
import { agreement } from '../../src/cli/reconcile.ts';
import { reportLine, usageTable } from '../../src/cli/report.ts';
import { type RunOptions, runWorker } from '../../src/cli/run-worker.ts';
import { shutdownSignal } from '../../src/cli/shutdown.ts';
import { alignedTable, grouped } from '../../src/cli/table.ts';
import { createLogger } from '../../src/config/logger.ts';
import type { Settings } from '../../src/config/settings.ts';
import { CheckFailedError } from '../../src/errors.ts';
import { migrateDatabase } from '../../src/migrate/migrate.ts';
import type { Database } from '../../src/postgres/database.ts';
import { reconcile } from '../../src/reconcile/reconcile.ts';
import { registerSchema } from '../../src/registry/subjects.ts';
import { usageRows } from '../../src/report/usage-report.ts';
import { verify } from '../../src/verify/verify.ts';
import { compareWithPython } from './compare.ts';
import { printInvoice } from './demo-invoice.ts';
import { forgetServices, settingsForOthers, settingsForOwn } from './demo-settings.ts';
import { fillTopic } from './demo-topic.ts';
import { type RecordedCalls, recordedCalls } from './recorded-calls.ts';
import { recordedReports } from './recorded-reports.ts';
import { removeTraces } from './remove-traces.ts';

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

interface DemoOptions {
  readonly keep: boolean;
  readonly useEnvironment: boolean;
}

export function demoCommand() {
  return command(
    'demo',
    'everything at once, on a local stack of its own: recorded calls in, checked rows out',
  )
    .option('--keep', 'leave the stack and a worker running until Ctrl-C', false)
    .option(
      '--use-environment',
      'use the services that KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL name instead, ' +
        'under names of its own that are removed at the end',
      false,
    )
    .action(async ({ keep, useEnvironment }: DemoOptions) => {
      const calls = recordedCalls('livekit-1.8.9/calls');
      await (useEnvironment ? onServicesOfOthers(calls, keep) : onOwnStack(calls, keep));
    });
}

/** Whatever the shell exports, most of all the addresses of production, is not looked at. */
async function onOwnStack(calls: RecordedCalls, keep: boolean): Promise<void> {
  forgetServices(process.env);
  const env = { ...process.env };
  if (env['USAGE_LEDGER_STACK'] === 'environment') delete env['USAGE_LEDGER_STACK'];
  // The stack and its tools are for checkouts; an installed worker does not load them.
  const { startStack } = await import('../stack/stack.ts');
  const stack = await startStack({ progress: note, env });
  try {
    note(`services: ${stack.how}`);
    const settings = settingsForOwn(stack, env);
    const signal = shutdownSignal(createLogger(settings.LOG_LEVEL));
    await migrateDatabase(settings);
    await runDemo({ settings, signal, calls, keep, isOwnStack: true });
    if (!keep) print('The stack ends with this command; to keep it: npm run demo -- --keep');
  } finally {
    await stack.stop();
  }
}

async function onServicesOfOthers(calls: RecordedCalls, keep: boolean): Promise<void> {
  const settings = settingsForOthers(process.env);
  const logger = createLogger(settings.LOG_LEVEL);
  const kafka = await reachKafka(settings, logger);
  const database = await reachServer(settings, 1);
  const { KAFKA_TOPICS: topics, DATABASE_SCHEMA: schema } = settings;
  note(`services: those of the environment; topic and group ${topics}, schema ${schema}`);
  // From here on a signal ends the demo only once it has removed what it made.
  const signal = shutdownSignal(logger);
  let left: string[] = [];
  try {
    await migrateDatabase(settings);
    await runDemo({ settings, signal, calls, keep, isOwnStack: false });
  } finally {
    left = await removeTraces(settings, kafka, database);
    for (const sentence of left) note(sentence);
    await database.end();
  }
  if (left.length > 0) throw new CheckFailedError('the demo left something; see above');
  note('topic, group, subject, schema and roles of the demo are removed again');
}

interface Demo {
  readonly settings: Settings;
  readonly signal: AbortSignal;
  readonly calls: RecordedCalls;
  readonly keep: boolean;
  readonly isOwnStack: boolean;
}

/** On a database that is migrated. */
async function runDemo(demo: Demo): Promise<void> {
  const { settings, signal, calls, keep } = demo;
  const logger = createLogger(settings.LOG_LEVEL);
  const topic = settings.KAFKA_TOPICS[0] ?? '';
  const kafka = await reachKafka(settings, logger);
  const registry = await reachRegistry(settings);
  const schemaId = await registerSchema(registry, settings, topic);
  const database = await reachDatabase(settings, DATABASE_CONNECTIONS);
  try {
    const produced = await fillTopic(kafka, registry, schemaId, topic, [
      ...calls.events,
      ...recordedReports(calls),
    ]);
    note(
      `produced to ${topic}: ${produced.events} events of recorded calls, ${produced.again} of them ` +
        `a second time, and ${produced.malformed} malformed messages`,
    );
    const bar = new ProgressBar('applying');
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
      ...(await reportProblems(database)),
    ];
    await printInvoice(database);
    await printQueries(database, demo);
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
      ? `✓ the books balance: ${checks.length} checks, every offset accounted for`
      : `✗ the books do not balance: ${breaks.length} breaks`,
  );
  return breaks.map(({ check, found }) => `${check}: ${JSON.stringify(found)}`);
}

async function reportProblems(database: Database): Promise<string[]> {
  const { coverage, differences } = await reconcile(database);
  const problems: string[] = [];
  for await (const difference of differences) problems.push(JSON.stringify(difference));
  print(
    problems.length === 0
      ? `✓ ${agreement(coverage)}`
      : `✗ ${problems.length} differences from what the agents reported`,
  );
  return problems;
}

async function printQueries(
  database: Database,
  { settings, keep, isOwnStack }: Demo,
): Promise<void> {
  print('\nThree queries to try:');
  for (const query of QUERIES) {
    const { rows, fields } = await database.query<Record<string, unknown>>(query);
    const columns = fields.map(({ name }) => ({ title: name }));
    const lines = rows.map((row) => columns.map(({ title }) => cell(row[title])));
    print(`\n${query};\n`);
    print(alignedTable(columns, lines).replace(/^/gm, '  '));
  }
  if (!keep) return;
  print(`\nConnect:  psql "$DATABASE_URL"`);
  print(`          SET search_path = ${settings.DATABASE_SCHEMA};`);
  print('\nFor another terminal:');
  // The address of somebody else's database has a password in it.
  if (isOwnStack) {
    print(`export KAFKA_BROKERS='${settings.KAFKA_BROKERS.join(',')}'`);
    print(`export SCHEMA_REGISTRY_URL='${settings.SCHEMA_REGISTRY_URL}'`);
    print(`export DATABASE_URL='${settings.DATABASE_URL}'`);
  }
  print(`export KAFKA_TOPICS='${settings.KAFKA_TOPICS.join(',')}'`);
  print(`export KAFKA_GROUP_ID='${settings.KAFKA_GROUP_ID}'`);
  print(`export DATABASE_SCHEMA='${settings.DATABASE_SCHEMA}'`);
  print('npm run -s usage-ledger -- simulate --sessions 50');
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value)
    ? grouped(value)
    : String(value);
}
