import { openDatabase } from '../src/postgres/database.ts';
import { verify } from '../src/verify/verify.ts';
import { startStack } from '../tools/stack/stack.ts';
import { prefill } from './prefill.ts';
import { servicesOf } from './services.ts';

/**
 * `npm run bench:verify -- [entries]`: fills a ledger with so many entries, 50 million by default,
 * and says how long `verify` takes over all of it, and over its last day.
 */
const entries = Number(process.argv[2] ?? 50_000_000);
const DAY_MS = 86_400_000;

const stack = await startStack({ progress: () => {} });
try {
  const services = servicesOf(stack);
  const database = await services.freshDatabase();
  process.stderr.write(`filling the ledger with ${entries} entries …\n`);
  await prefill(database, entries);
  const pool = openDatabase(services.settings({ DATABASE_URL: database.url }), 1);
  const timed = async (what: string, options: Parameters<typeof verify>[1]) => {
    const begun = performance.now();
    const { ok, checks } = await verify(pool, options);
    const seconds = (performance.now() - begun) / 1_000;
    process.stdout.write(
      `${what.padEnd(24)} ${seconds.toFixed(1).padStart(8)} s   the books ${ok ? 'close' : 'DO NOT close'}\n`,
    );
    for (const { check, milliseconds } of checks) {
      const seconds = (milliseconds / 1_000).toFixed(1);
      if (milliseconds > 100)
        process.stdout.write(`  ${check.padEnd(22)} ${seconds.padStart(8)} s\n`);
    }
  };
  await timed(`${entries} entries`, {});
  await timed('--since tomorrow', { since: new Date(Date.now() + DAY_MS) });
  await pool.end();
  await database.drop();
} finally {
  await stack.stop();
}
