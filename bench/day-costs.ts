import type { BenchDatabase } from './services.ts';

/** What the server has written and counted. */
export interface Counters {
  readonly walBytes: number;
  readonly walImageBytes: number;
  readonly transactions: number;
  readonly autovacuums: number;
}

export async function readCounters(database: BenchDatabase): Promise<Counters> {
  const [row] = await database.query<{ [C in keyof Counters]: number }>(`
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float AS "walBytes",
      (SELECT wal_fpi * 8192 FROM pg_stat_wal)::float AS "walImageBytes",
      (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database())::float
        AS transactions,
      (SELECT coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables)::float AS autovacuums`);
  if (row === undefined) throw new Error('the server has no counters');
  return row;
}

/** Bytes on disk, indexes included. */
export interface Sizes {
  readonly ledger: number;
  readonly session: number;
  readonly usage: number;
  readonly books: number;
}

export async function readSizes(database: BenchDatabase): Promise<Sizes> {
  const sizeOf = (condition: string) => `(SELECT coalesce(sum(pg_total_relation_size(oid)), 0)
    FROM pg_class WHERE relnamespace = 'usage_ledger'::regnamespace AND relkind = 'r'
      AND ${condition})::float`;
  const [row] = await database.query<{ [S in keyof Sizes]: number }>(`
    SELECT ${sizeOf("relname LIKE 'ledger_page%'")} AS ledger,
      ${sizeOf("relname = 'session'")} AS session,
      ${sizeOf("relname = 'session_model_usage'")} AS usage,
      ${sizeOf("relname IN ('consumed_range', 'consumer_position', 'usage_source', 'topic_generation')")}
        AS books`);
  if (row === undefined) throw new Error('the ledger has no tables');
  return row;
}

/** How full a table is that is written again and again. */
export interface Bloat {
  readonly rows: number;
  readonly deadRows: number;
  /** Share of updates that needed no new index entry. */
  readonly hotShare: number;
  /** Bytes of the live rows, of those of the table without its indexes. */
  readonly liveShare: number;
}

export async function readBloat(database: BenchDatabase, table: string): Promise<Bloat> {
  const [row] = await database.query<{ [B in keyof Bloat]: number }>(`
    SELECT n_live_tup::float AS rows, n_dead_tup::float AS "deadRows",
      n_tup_hot_upd / greatest(n_tup_upd, 1)::float AS "hotShare",
      (SELECT sum(pg_column_size(live.*)) FROM usage_ledger.${table} AS live)::float
        / greatest(pg_relation_size(relid), 1) AS "liveShare"
    FROM pg_stat_user_tables WHERE schemaname = 'usage_ledger' AND relname = '${table}'`);
  if (row === undefined) throw new Error(`there is no table ${table}`);
  return row;
}

/** Kinds of WAL records that are named; the others take little. */
const NAMED_KINDS = 7;

/**
 * Bytes of WAL since `lsn` by kind of record, full pages apart; nothing where the server has no
 * pg_walinspect, or not that WAL any more.
 */
export async function readWalKinds(
  database: BenchDatabase,
  lsn: string,
): Promise<readonly { readonly kind: string; readonly bytes: number }[]> {
  try {
    await database.query('CREATE EXTENSION IF NOT EXISTS pg_walinspect');
    return await database.query<{ kind: string; bytes: number }>(`
      SELECT "resource_manager/record_type" AS kind, record_size::float AS bytes
      FROM pg_get_wal_stats('${lsn}', pg_current_wal_lsn(), true)
      ORDER BY bytes DESC LIMIT ${NAMED_KINDS}`);
  } catch {
    return [];
  }
}

export async function walPosition(database: BenchDatabase): Promise<string> {
  const [row] = await database.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
  return row?.lsn ?? '0/0';
}
