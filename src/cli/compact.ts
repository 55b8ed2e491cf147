import { COMPACT_AFTER_DEFAULT_S } from '../config/settings.ts';
import { CheckFailedError } from '../errors.ts';
import { compactDue, dueCount } from '../ledger/compact-sessions.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { wholeNumber } from './options.ts';
import { ProgressBar } from './progress-bar.ts';
import { reachDatabase } from './reach-database.ts';
import { shutdownSignal } from './shutdown.ts';

interface CompactOptions {
  quietFor?: number;
  json: boolean;
}

export function compactCommand() {
  return command('compact', 'merge the ledger pages of quiet sessions, as workers do')
    .option(
      '--quiet-for <seconds>',
      'only sessions without an event for so long (default: COMPACT_AFTER_S)',
      wholeNumber(0, 31_536_000),
    )
    .option(...JSON_OPTION)
    .action(async ({ quietFor, json }: CompactOptions) => {
      const { settings, logger } = context(['database']);
      const { COMPACT_AFTER_S } = settings;
      const ofWorkers = COMPACT_AFTER_S === 'off' ? COMPACT_AFTER_DEFAULT_S : COMPACT_AFTER_S;
      const quietS = quietFor ?? ofWorkers;
      const signal = shutdownSignal(logger);
      const database = await reachDatabase(settings, 1);
      const total = { quiet_for_s: quietS, sessions: 0, pages_before: 0, pages_after: 0 };
      try {
        const due = await dueCount(database, quietS);
        const bar = new ProgressBar('compacting');
        let seen = 0;
        await compactDue(database, {
          quietS,
          maxPagesPerS: Number.POSITIVE_INFINITY,
          signal,
          onCompacted: (compacted) => {
            total.sessions += compacted.sessions;
            total.pages_before += compacted.pagesBefore;
            total.pages_after += compacted.pagesAfter;
            seen += compacted.seen;
            bar.update(Math.min(seen, due), due);
          },
        });
        bar.end(`${seen} sessions`);
      } finally {
        await database.end();
      }
      if (json) printJson(total);
      else {
        const { sessions, pages_before, pages_after } = total;
        print(`${sessions} sessions compacted: ${pages_before} pages merged into ${pages_after}`);
      }
      if (signal.aborted) throw new CheckFailedError('stopped before all sessions were compacted');
    });
}
