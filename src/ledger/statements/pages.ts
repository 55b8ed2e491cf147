import { sql } from 'drizzle-orm';
import { USAGE_COLUMNS } from '../../livekit/usage-columns.ts';
import { type Queryable, statement } from '../../postgres/statement.ts';
import { ledgerPage } from '../schema/tables.ts';

const columns = sql.join(
  [
    'session_id',
    'period',
    'revision',
    'page',
    'kafka_topic',
    'kafka_partition',
    'base_offset',
    'entry_count',
    'is_correction',
    'identities',
    'source_id',
    'request_id',
    'event_us',
    'offset_delta',
    ...USAGE_COLUMNS,
  ].map((name) => sql.raw(name)),
  sql`, `,
);

/** Writes pages of the itemised ledger, which come as `ledger_page_row[]` in binary form. */
export const insertPages = statement<{ rows: Buffer }>(
  'insert_pages',
  sql`INSERT INTO ${ledgerPage} (${columns})
    SELECT ${columns} FROM unnest(${sql.placeholder('rows')}::ledger_page_row[])`,
);

const readRowOid = statement<object, { oid: string }>(
  'read_row_oid',
  sql`SELECT 'ledger_page_row'::regtype::oid::bigint AS oid`,
);

/** The number of the type `ledger_page_row`, which differs from database to database. */
export async function rowOidOf(connection: Queryable): Promise<number> {
  const [row] = await readRowOid.run(connection, {});
  return Number(row?.oid);
}
