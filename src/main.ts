#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { conflictsCommand } from './commands/conflicts.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { bugOf, type Failure, failureOf } from './commands/failure.ts';
import { migrateCommand } from './commands/migrate.ts';
import { note, outliveReaders } from './commands/output.ts';
import { positionCommand } from './commands/position.ts';
import { produceCommand } from './commands/produce.ts';
import { replayCommand } from './commands/replay.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { schemasCommand } from './commands/schemas.ts';
import { simulateCommand } from './commands/simulate.ts';
import { verifyCommand } from './commands/verify.ts';
import { EXIT } from './errors.ts';

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
lists them. Exit codes: 0 done; 1 a check did not hold; 2 wrong usage or configuration; 3 a
dependency could not be reached in time; 70 an internal error (a bug), with its stack trace. Logs go
to standard error.`,
    );
  const commands = [
    migrateCommand(),
    runCommand(),
    produceCommand(),
    simulateCommand(),
    reportCommand(),
    verifyCommand(),
    positionCommand(),
    replayCommand(),
    deadLettersCommand(),
    conflictsCommand(),
    schemasCommand(),
    demoCommand(),
  ];
  for (const command of commands) root.addCommand(command);
  throwInsteadOfExit(root);
  return root;
}

/** commander ends the process with 1 on wrong usage; ours is 2. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride().showHelpAfterError('(add --help for what is expected)');
  for (const child of command.commands) throwInsteadOfExit(child);
}

async function main(): Promise<number> {
  try {
    await program().parseAsync();
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage;
    return tell(failureOf(error));
  }
}

function tell({ exitCode, message }: Failure): number {
  note(`usage-ledger: ${message}`);
  return exitCode;
}

outliveReaders();
// In whatever thread or callback it was thrown: a worker that is half alive would not be restarted.
process.on('uncaughtException', (error) => process.exit(tell(bugOf(error))));
// Not `exitCode`: a socket that a failed attempt left behind must not keep the process alive.
main().then((code) => {
  process.stdout.write('', () => process.exit(code));
});
