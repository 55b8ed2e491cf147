import { type Logger, pino } from 'pino';

export type { Logger };

/** Logs go to standard error, so that standard output belongs to the answer of a command. */
export function createLogger(level: string): Logger {
  return pino({ name: 'usage-ledger', level }, pino.destination({ dest: 2, sync: true }));
}
