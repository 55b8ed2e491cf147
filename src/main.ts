#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { conflictsCommand } from './commands/conflicts.ts';
import { deadLettersCommand } from './commands/dead-letters.ts';
import { demoCommand } from './commands/demo.ts';
import { migrateCommand } from './commands/migrate.ts';
import { positionCommand } from './commands/position.ts';
import { produceCommand } from './commands/produce.ts';
import { replayCommand } from './commands/replay.ts';
import { reportCommand } from './commands/report.ts';
import { runCommand } from './commands/run.ts';
import { schemasCommand } from './commands/schemas.ts';
import { simulateCommand } from './commands/simulate.ts';
import { verifyCommand } from './commands/verify.ts';
import { EXIT, messageOf, UsageLedgerError } from './errors.ts';
import { isNotPermitted } from './ledger/sql-errors.ts';

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
dependency could not be reached in time. Logs go to standard error.`,
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
    if (error instanceof UsageLedgerError) {
      process.stderr.write(`usage-ledger: ${error.message}\n`);
      return error.exitCode;
    }
    if (isNotPermitted(error)) {
      const roles = 'its user needs usage_ledger_writer, or usage_ledger_reader to report';
      process.stderr.write(`usage-ledger: DATABASE_URL: ${messageOf(error)}; ${roles}\n`);
      return EXIT.wrongUsage;
    }
    process.stderr.write(
      `usage-ledger: a bug, please report it:\n${(error as Error)?.stack ?? error}\n`,
    );
    return EXIT.checkFailed;
  }
}

// Not `exitCode`: a socket that a failed attempt left behind must not keep the process alive.
main().then((code) => {
  process.stdout.write('', () => process.exit(code));
});
