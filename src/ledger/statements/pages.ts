import { sql } from 'drizzle-orm';
import { USAGE_COLUMNS } from '../../livekit/usage-columns.ts';
import { type Queryable, statement } from '../../postgres/statement.ts';
import type { EntryJson } from '../payload.ts';
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

/** Inserts pages of the itemised ledger: `rows` is a `ledger_page_row_2[]` in binary form. */
export const insertPages = statement<{ rows: Buffer }>(
  'insert_pages',
  sql`INSERT INTO ${ledgerPage} (${columns})
    SELECT ${columns} FROM unnest(${sql.placeholder('rows')}::ledger_page_row_2[])`,
);

const readRowOid = statement<object, { oid: string }>(
  'read_row_oid',
  sql`SELECT 'ledger_page_row_2'::regtype::oid::bigint AS oid`,
);

/** The OID of the type `ledger_page_row_2`, which differs from database to database. */
export async function rowOidOf(connection: Queryable): Promise<number> {
  const [row] = await readRowOid.run(connection, {});
  return Number(row?.oid);
}

/**
 * The entries with some identities, which are in hexadecimal digits, as JSON of `ledger_entry`. Each
 * page of a session is unpacked once, however many of its entries are wanted: for a join by identity,
 * the planner may choose a loop over all entries for each of them.
 */
export const readEntries = statement<
  { sessionIds: Buffer; identities: Buffer },
  { session_id: string; identity: string; entry: EntryJson }
>(
  'read_entries',
  sql`SELECT entry.session_id, encode(entry.identity, 'hex') AS identity,
      to_jsonb(entry) - 'identity' - 'fingerprint' AS entry
    FROM (
      SELECT session_id, jsonb_object_agg(identity, true) AS identities
      FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('identities')}::text[])
        AS one (session_id, identity)
      GROUP BY session_id
    ) AS wanted
    JOIN ledger_entry AS entry ON entry.session_id = wanted.session_id
    WHERE jsonb_exists(wanted.identities, encode(entry.identity, 'hex'))
      AND NOT entry.is_correction`,
);
