import { type Logger, pino } from 'pino';
import { printableJson } from './printable.ts';

export type { Logger };

/** Logs to standard error, since standard output is for the result of a command. */
export function createLogger(level: string): Logger {
  return pino(
    { name: 'usage-ledger', level, hooks: { streamWrite: printableJson } },
    pino.destination({ dest: 2, sync: true }),
  );
}
