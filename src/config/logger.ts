import { type Logger, pino } from 'pino';
import { printableJson } from './printable.ts';

export type { Logger };

/** Logs go to standard error, so that standard output belongs to the answer of a command. */
export function createLogger(level: string): Logger {
  return pino(
    { name: 'usage-ledger', level, hooks: { streamWrite: printableJson } },
    pino.destination({ dest: 2, sync: true }),
  );
}
