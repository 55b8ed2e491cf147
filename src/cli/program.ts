import { type Command, CommanderError } from 'commander';
import { EXIT } from '../errors.ts';
import { showExamples } from './examples.ts';
import { bugOf, type Failure, failureOf } from './failure.ts';
import { note, outliveReaders } from './output.ts';
import { endOnSignals } from './shutdown.ts';

/** Runs what the command line asks for, and ends the process with its exit code. */
export function runProgram(root: Command): void {
  throwInsteadOfExit(root);
  showExamples(root);
  outliveReaders();
  endOnSignals();
  // From any thread or callback: a worker that is only half alive would not be restarted.
  process.on('uncaughtException', (error) => process.exit(report(bugOf(error))));
  // Not `exitCode`: a socket that a failed attempt left open must not keep the process alive.
  exitCodeOf(root).then((code) => {
    process.stdout.write('', () => process.exit(code));
  });
}

/** commander ends the process with 1 on wrong usage; ours is 2. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride().showHelpAfterError('(use --help for usage)');
  for (const child of command.commands) throwInsteadOfExit(child);
}

async function exitCodeOf(root: Command): Promise<number> {
  try {
    await root.parseAsync();
    return EXIT.done;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.wrongUsage;
    return report(failureOf(error));
  }
}

function report({ exitCode, message }: Failure): number {
  note(`usage-ledger: ${message}`);
  return exitCode;
}
