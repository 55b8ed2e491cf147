/** Why a command ends with something else than 0. The numbers are part of the public surface. */
export const EXIT = {
  done: 0,
  checkFailed: 1,
  wrongUsage: 2,
  unreachable: 3,
  /** EX_SOFTWARE of sysexits.h: so that a crash does not look like a check that did not hold. */
  bug: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * The base of every error that we raise on purpose: it carries what a person is told and the exit
 * code of the command that it ends. Anything else that is thrown is a bug and shows its stack.
 */
export class UsageLedgerError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** A check that was asked for did not hold (exit 1). */
export class CheckFailedError extends UsageLedgerError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.checkFailed, options);
  }
}

/** Wrong usage or configuration (exit 2): the message names what was given and what is expected. */
export class WrongUsageError extends UsageLedgerError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.wrongUsage, options);
  }
}

/** A dependency did not answer in time (exit 3): the message names it and its address. */
export class UnreachableError extends UsageLedgerError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.unreachable, options);
  }
}

/** Something did not answer that may answer later: the same work is worth another try. */
export class TryAgainError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The message of anything that was thrown, in one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map(messageOf).join('; ');
  }
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}
