import { compactDue } from '../src/ledger/compact-sessions.ts';
import { openDatabase } from '../src/postgres/database.ts';
import { verify } from '../src/verify/verify.ts';
import { startStack } from '../tools/stack/stack.ts';
import { prefill } from './prefill.ts';
import { servicesOf } from './services.ts';

/**
 * `npm run bench:verify -- [entries] [--live]`: fills a ledger with so many entries, 50 million by
 * default, of 30 days, and says how long `verify` takes over all of it, over its last hour, and over
 * nothing. `--live`: each entry in a page of its own, as live traffic leaves them, and once more after they
 * are compacted.
 */
const entries = Number(process.argv[2] ?? 50_000_000);
const isLive = process.argv.includes('--live');
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const stack = await startStack({ progress: () => {} });
try {
  const services = servicesOf(stack);
  const database = await services.freshDatabase();
  process.stderr.write(`filling the ledger with ${entries} entries …\n`);
  await prefill(database, entries, isLive);
  const pool = openDatabase(services.settings({ DATABASE_URL: database.url }), 2);
  const timed = async (what: string, options: Parameters<typeof verify>[1]) => {
    const begun = performance.now();
    const { ok, checks } = await verify(pool, options);
    const seconds = (performance.now() - begun) / 1_000;
    process.stdout.write(
      `${what.padEnd(24)} ${seconds.toFixed(1).padStart(8)} s   the books ${ok ? 'balance' : 'DO NOT balance'}\n`,
    );
    for (const { check, milliseconds } of checks) {
      const seconds = (milliseconds / 1_000).toFixed(1);
      if (milliseconds > 100)
        process.stdout.write(`  ${check.padEnd(22)} ${seconds.padStart(8)} s\n`);
    }
  };
  await timed(`${entries} entries`, {});
  await timed('--since an hour ago', { since: new Date(Date.now() - HOUR_MS) });
  await timed('--since tomorrow', { since: new Date(Date.now() + DAY_MS) });
  if (isLive) {
    process.stderr.write('merging their pages …\n');
    let removed = 0;
    await compactDue(pool, {
      quietS: 0,
      maxPagesPerS: Number.POSITIVE_INFINITY,
      signal: new AbortController().signal,
      onCompacted: ({ pagesBefore, pagesAfter }) => {
        removed += pagesBefore - pagesAfter;
      },
    });
    if (removed === 0) throw new Error('no pages were merged');
    await database.query('VACUUM ANALYZE');
    await timed('compacted', {});
    await timed('  --since tomorrow', { since: new Date(Date.now() + DAY_MS) });
  }
  await pool.end();
  await database.drop();
} finally {
  await stack.stop();
}
