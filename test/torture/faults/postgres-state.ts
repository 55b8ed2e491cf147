import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type pg from 'pg';
import type { Random } from '../../../src/simulate/random.ts';
import type { Fault } from './scene.ts';

const run = promisify(execFile);

/** What an administrator may set for a database: none of it may change a total. */
const SETTINGS: Readonly<Record<string, readonly string[]>> = {
  DateStyle: ['SQL, DMY', 'German', 'Postgres, MDY', 'ISO, YMD'],
  IntervalStyle: ['sql_standard', 'iso_8601'],
  TimeZone: ['Asia/Kolkata', 'America/St_Johns', 'Pacific/Chatham'],
  extra_float_digits: ['-15', '0', '3'],
  bytea_output: ['escape', 'hex'],
  array_nulls: ['off', 'on'],
  standard_conforming_strings: ['off', 'on'],
  transform_null_equals: ['on', 'off'],
  default_transaction_isolation: ['repeatable read', 'serializable', 'read committed'],
  default_transaction_deferrable: ['on', 'off'],
  plan_cache_mode: ['force_custom_plan', 'force_generic_plan'],
  search_path: ['pg_catalog', 'nowhere', 'public'],
};
const MOST_AT_ONCE = 5;

/** What the server holds and how it is set changes under the workers. */
export const POSTGRES_FAULTS = {
  'the database has other settings': async ({ observer, random }) => {
    await setOddly(observer, random);
    // Settings of a database are those of its new sessions.
    await cutConnections(observer);
  },

  'Postgres is restored to an earlier moment': async ({ services, observer, random, advance }) => {
    const { postgres } = services;
    const { rows } = await observer.query<{ data_directory: string }>('SHOW data_directory');
    const data = rows[0]?.data_directory ?? '';
    const backup = join(data, '..', 'backup');
    await postgres.stop();
    await run('rm', ['-rf', backup]);
    await run('cp', ['-a', data, backup]);
    await postgres.start();
    // What is booked from here on, the restored server does not have.
    for (let i = random.integer(1, 3); i > 0; i -= 1) await advance();
    await (random.chance(0.5) ? postgres.kill('SIGQUIT') : postgres.stop());
    await run('rm', ['-rf', data]);
    await run('mv', [backup, data]);
    await postgres.start();
  },
} as const satisfies Record<string, Fault>;

/** Gives the observer's database some odd settings, and takes those of before away. */
export async function setOddly(observer: pg.Pool, random: Random): Promise<void> {
  const { rows } = await observer.query<{ name: string }>('SELECT current_database() AS name');
  const name = rows[0]?.name ?? '';
  await observer.query(`ALTER DATABASE ${name} RESET ALL`);
  for (let i = random.integer(1, MOST_AT_ONCE); i > 0; i -= 1) {
    const setting = random.pick(Object.keys(SETTINGS));
    const value = random.pick(SETTINGS[setting] ?? []);
    await observer.query(`ALTER DATABASE ${name} SET ${setting} = '${value}'`);
  }
}

async function cutConnections(observer: pg.Pool): Promise<void> {
  await observer.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'usage-ledger'`,
  );
}
