/** `npm run clusters [-- --only PATTERN] [--deadline SECONDS]`: see docs/clusters.md. */
import { cpus, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { alignedTable } from '../../src/cli/table.ts';
import { startStack } from '../../tools/stack/stack.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import type { StackUrls } from '../support/stack-urls.ts';
import { brokers } from './brokers.ts';
import { type Combination, NotTriedError } from './combination.ts';
import { postgresVersions } from './postgres-versions.ts';
import { producers } from './producers.ts';
import { registries } from './registries.ts';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, deadline: { type: 'string', default: '120' } },
});
const RESULT_CHARACTERS = 160;
const deadlineMs = Number(values.deadline) * 1_000;
const say = (line: string) => process.stderr.write(`${line}\n`);
const nameOf = ({ kind, what, version }: Combination) => `${kind}: ${what} ${version}`;

const chosen = [...brokers, ...registries, ...producers, ...postgresVersions].filter(
  (combination) => new RegExp(values.only).test(nameOf(combination)),
);
if (chosen.length === 0) {
  say(`--only ${values.only}: no combination has a name like this`);
  process.exit(2);
}

// The stack's own services, whatever the environment names: the combinations write to them.
const env = {
  ...process.env,
  USAGE_LEDGER_STACK: 'local',
  KAFKA_BROKERS: undefined,
  SCHEMA_REGISTRY_URL: undefined,
  DATABASE_URL: undefined,
};
const stack = await startStack({ progress: say, env });
const results: string[][] = [];
let failed = 0;
try {
  const { kafkaBrokers, schemaRegistryUrl, databaseUrl } = stack;
  const services = { kafkaBrokers, schemaRegistryUrl, databaseUrl };
  for (const combination of chosen) results.push(await tried(combination, services));
} finally {
  await stack.stop();
}
const columns = [
  { title: 'kind' },
  { title: 'what' },
  { title: 'version' },
  { title: 'seconds', align: 'right' as const },
  { title: 'result' },
];
const machine = `${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GB, ${process.platform}-${process.arch}`;
process.stdout.write(
  `${alignedTable(columns, results)}\n\n` +
    `${results.length - failed} of ${results.length} without failure; ${machine}, ` +
    `Node ${process.versions.node}, ${new Date().toISOString().slice(0, 10)}\n`,
);
process.exitCode = failed > 0 ? 1 : 0;

/** A row of the table; whatever happens, the next combination finds nothing left of this one. */
async function tried(combination: Combination, services: StackUrls): Promise<string[]> {
  const began = Date.now();
  const watchdog = await Watchdog.start();
  const context = { watchdog, env, progress: say };
  let result: string;
  try {
    result = await combination.run({ services, context, deadlineMs });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isFailure = !(error instanceof NotTriedError);
    if (isFailure) failed += 1;
    result = `${isFailure ? 'FAILED' : 'not tried'}: ${shortened(message)}`;
    say(`${nameOf(combination)}: ${message}`);
  } finally {
    await watchdog.close();
  }
  const seconds = ((Date.now() - began) / 1_000).toFixed(0);
  say(`${nameOf(combination)}: ${result} (${seconds} s)`);
  const { kind, what, version } = combination;
  return [kind, what, version, seconds, result];
}

/** For a cell of the table; the whole is on standard error. */
function shortened(message: string): string {
  const line = message.replaceAll(/\s+/g, ' ');
  return line.length > RESULT_CHARACTERS ? `${line.slice(0, RESULT_CHARACTERS)}…` : line;
}
