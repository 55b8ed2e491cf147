#!/usr/bin/env -S node --heap-growing-percent=50
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { compactCommand } from './cli/compact.ts';
import { completionCommand } from './cli/completion.ts';
import { conflictsCommand } from './cli/conflicts.ts';
import { deadLettersCommand } from './cli/dead-letters.ts';
import { doctorCommand } from './cli/doctor.ts';
import { exportCommand } from './cli/export.ts';
import { migrateCommand } from './cli/migrate.ts';
import { positionCommand } from './cli/position.ts';
import { pricesCommand } from './cli/prices.ts';
import { produceCommand } from './cli/produce.ts';
import { runProgram } from './cli/program.ts';
import { reconcileCommand } from './cli/reconcile.ts';
import { replayCommand } from './cli/replay.ts';
import { reportCommand } from './cli/report.ts';
import { runCommand } from './cli/run.ts';
import { schemasCommand } from './cli/schemas.ts';
import { sessionsCommand } from './cli/sessions.ts';
import { simulateCommand } from './cli/simulate.ts';
import { verifyCommand } from './cli/verify.ts';

function program(): Command {
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
  const commands = [
    migrateCommand(),
    runCommand(),
    produceCommand(),
    simulateCommand(),
    reportCommand(),
    exportCommand(),
    verifyCommand(),
    reconcileCommand(),
    positionCommand(),
    replayCommand(),
    deadLettersCommand(),
    conflictsCommand(),
    sessionsCommand(),
    compactCommand(),
    pricesCommand(),
    schemasCommand(),
    doctorCommand(),
    completionCommand(() => root),
  ];
  for (const command of commands) root.addCommand(command);
  return root;
}

runProgram(program());
