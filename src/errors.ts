/** Exit codes of the commands; part of the public surface. */
export const EXIT = {
  done: 0,
  checkFailed: 1,
  wrongUsage: 2,
  unreachable: 3,
  /** EX_SOFTWARE of sysexits.h: distinguishes a crash from a failed check. */
  bug: 70,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/**
 * The base of every error raised on purpose: its message is for the user, and it has the exit code of
 * the command that it ends. Anything else that is thrown is a bug and is shown with its stack.
 */
export class UsageLedgerError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** A requested check failed (exit 1). */
export class CheckFailedError extends UsageLedgerError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, EXIT.checkFailed, options);
  }
}

/** Wrong usage or configuration (exit 2); the message has what was given and what is expected. */
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

/** A dependency did not answer and may answer later: retry the same work. */
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
