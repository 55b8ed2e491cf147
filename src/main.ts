#!/usr/bin/env -S node --heap-growing-percent=70 --max-semi-space-size=4 --no-parallel-scavenge --v8-pool-size=1
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { runProgram } from './cli/program.ts';

/** The commands, in the order of the help. Each is loaded when it is called, with what it needs only. */
const COMMANDS: Readonly<Record<string, (root: Command) => Promise<Command>>> = {
  migrate: async () => (await import('./cli/migrate.ts')).migrateCommand(),
  run: async () => (await import('./cli/run.ts')).runCommand(),
  produce: async () => (await import('./cli/produce.ts')).produceCommand(),
  simulate: async () => (await import('./cli/simulate.ts')).simulateCommand(),
  report: async () => (await import('./cli/report.ts')).reportCommand(),
  export: async () => (await import('./cli/export.ts')).exportCommand(),
  verify: async () => (await import('./cli/verify.ts')).verifyCommand(),
  reconcile: async () => (await import('./cli/reconcile.ts')).reconcileCommand(),
  position: async () => (await import('./cli/position.ts')).positionCommand(),
  replay: async () => (await import('./cli/replay.ts')).replayCommand(),
  'dead-letters': async () => (await import('./cli/dead-letters.ts')).deadLettersCommand(),
  conflicts: async () => (await import('./cli/conflicts.ts')).conflictsCommand(),
  sessions: async () => (await import('./cli/sessions.ts')).sessionsCommand(),
  compact: async () => (await import('./cli/compact.ts')).compactCommand(),
  prices: async () => (await import('./cli/prices.ts')).pricesCommand(),
  schemas: async () => (await import('./cli/schemas.ts')).schemasCommand(),
  doctor: async () => (await import('./cli/doctor.ts')).doctorCommand(),
  completion: async (root) => (await import('./cli/completion.ts')).completionCommand(() => root),
};

async function program(called: string | undefined): Promise<Command> {
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string };
  const root = new Command('usage-ledger')
    .description(
      'Exact metering of LiveKit agent metrics: from Kafka to billable rows in Postgres.',
    )
    .version(version)
    .addHelpText(
      'after',
      `
Settings come from the environment (KAFKA_BROKERS, SCHEMA_REGISTRY_URL, DATABASE_URL, …); the README
lists them. Exit codes: 0 done; 1 a check failed; 2 wrong usage or configuration; 3 a
dependency could not be reached in time; 70 an internal error (a bug), with its stack trace. Logs go
to standard error.`,
    );
  // The help, a completion and a suggestion for what is misspelled need all of them.
  const isAlone =
    called !== undefined && called !== 'completion' && Object.hasOwn(COMMANDS, called);
  const names = isAlone ? [called] : Object.keys(COMMANDS);
  for (const name of names)
    root.addCommand(await (COMMANDS[name] as (typeof COMMANDS)[string])(root));
  return root;
}

runProgram(await program(process.argv[2]));
