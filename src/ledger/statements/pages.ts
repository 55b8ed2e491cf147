import { sql } from 'drizzle-orm';
import { COUNT_COLUMNS, DURATION_COLUMNS, type UsageColumn } from '../../metrics/usage-columns.ts';
import { ledgerPage } from '../schema/tables.ts';
import { statement } from '../statement.ts';

/** For each page an element; what is an array in the page is its text form here. */
export type PageParameters = {
  sessionIds: string;
  periods: string;
  revisions: string;
  pages: string;
  kafkaTopic: string;
  kafkaPartition: number;
  baseOffset: number;
  isCorrection: boolean;
  entryCounts: string;
  identities: string;
  sourceIds: string;
  requestIds: string;
  eventUs: string;
  offsetDeltas: string;
} & { [C in UsageColumn]: string | null };

const p = (name: keyof PageParameters) => sql.placeholder(name);
const counts = COUNT_COLUMNS.map((name) => sql.raw(name));
const durations = DURATION_COLUMNS.map((name) => sql.raw(name));
const list = (parts: readonly ReturnType<typeof sql>[]) => sql.join([...parts], sql`, `);

/** Writes pages of the itemised ledger. */
export const insertPages = statement<PageParameters>(
  'insert_pages',
  sql`INSERT INTO ${ledgerPage} (session_id, period, revision, page, kafka_topic, kafka_partition,
      base_offset, is_correction, entry_count, identities, source_id, request_id, event_us,
      offset_delta, ${list(counts)}, ${list(durations)})
    SELECT session_id, period, revision, page, ${p('kafkaTopic')}, ${p('kafkaPartition')},
      ${p('baseOffset')}, ${p('isCorrection')}, entry_count, identities, source_id::integer[],
      request_id::text[], event_us::bigint[], offset_delta::integer[],
      ${list(counts.map((name) => sql`${name}::bigint[]`))},
      ${list(durations.map((name) => sql`${name}::numeric[]`))}
    FROM unnest(${p('sessionIds')}::text[], ${p('periods')}::date[], ${p('revisions')}::bigint[],
      ${p('pages')}::smallint[], ${p('entryCounts')}::integer[], ${p('identities')}::bytea[],
      ${p('sourceIds')}::text[], ${p('requestIds')}::text[], ${p('eventUs')}::text[],
      ${p('offsetDeltas')}::text[],
      ${list(COUNT_COLUMNS.map((name) => sql`${p(name)}::text[]`))},
      ${list(DURATION_COLUMNS.map((name) => sql`${p(name)}::text[]`))})
      AS written (session_id, period, revision, page, entry_count, identities, source_id,
        request_id, event_us, offset_delta, ${list(counts)}, ${list(durations)})`,
);
