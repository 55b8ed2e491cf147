import { EXIT, type ExitCode, messageOf, UsageLedgerError } from '../errors.ts';
import { isTransientInKafka } from '../kafka/errors.ts';
import { isNotPermitted, isTransient } from '../postgres/errors.ts';
import { refusalOf } from './refusals.ts';

/** How a command that failed ends. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly message: string;
}

/** Classifies anything that a command threw. Never throws. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageLedgerError) {
    return { exitCode: error.exitCode, message: error.message };
  }
  if (isNotPermitted(error)) {
    // The names of the ledger's roles are in the database, which cannot be read here.
    const roles =
      'its user needs the writer role of this ledger (by default usage_ledger_writer), or the ' +
      'reader role for report';
    return {
      exitCode: EXIT.wrongUsage,
      message: `DATABASE_URL: ${messageOf(error)}; ${roles}`,
    };
  }
  if (isTransient(error) || isTransientInKafka(error)) {
    return {
      exitCode: EXIT.unreachable,
      message: `lost a service during the command: ${messageOf(error)}; run it again`,
    };
  }
  const toCheck = refusalOf(error);
  if (toCheck !== undefined) {
    return { exitCode: EXIT.wrongUsage, message: `${messageOf(error)}; check ${toCheck}` };
  }
  return bugOf(error);
}

/** An error that no code expects. */
export function bugOf(error: unknown): Failure {
  const shown = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { exitCode: EXIT.bug, message: `a bug, please report it:\n${shown}` };
}
