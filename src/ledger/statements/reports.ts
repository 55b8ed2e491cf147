import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { sessionReport } from '../schema/tables.ts';

/**
 * Keeps a report of each session, unless a later one is kept already. The order is total, so that the
 * same one stands whichever comes first; a report that comes again changes nothing. In the order of the
 * sessions, as they are locked, so that two batches never deadlock.
 */
export const upsertReports = statement<{
  topic: string;
  partition: number;
  sessionIds: Buffer;
  reportedUs: Buffer;
  /** Arrays of JSON. */
  modelUsages: Buffer;
  offsets: Buffer;
}>(
  'upsert_reports',
  sql`INSERT INTO ${sessionReport} AS known
      (session_id, reported_at, model_usage, kafka_topic, kafka_partition, kafka_offset)
    SELECT sent.session_id, 'epoch'::timestamptz + sent.reported_us * interval '1 microsecond',
      sent.model_usage::jsonb, ${sql.placeholder('topic')}::text,
      ${sql.placeholder('partition')}::integer, sent.kafka_offset
    FROM unnest(${sql.placeholder('sessionIds')}::text[], ${sql.placeholder('reportedUs')}::bigint[],
      ${sql.placeholder('modelUsages')}::text[], ${sql.placeholder('offsets')}::bigint[])
      AS sent (session_id, reported_us, model_usage, kafka_offset)
    -- Those that come again are left out here already: a row that is only locked is written, too.
    WHERE NOT EXISTS (
      SELECT FROM ${sessionReport} AS later WHERE later.session_id = sent.session_id
        AND (later.reported_at, later.kafka_offset, later.kafka_topic, later.kafka_partition)
          >= ('epoch'::timestamptz + sent.reported_us * interval '1 microsecond', sent.kafka_offset,
            ${sql.placeholder('topic')}::text, ${sql.placeholder('partition')}::integer))
    ORDER BY sent.session_id COLLATE "C"
    ON CONFLICT (session_id) DO UPDATE SET
      reported_at = excluded.reported_at,
      model_usage = excluded.model_usage,
      kafka_topic = excluded.kafka_topic,
      kafka_partition = excluded.kafka_partition,
      kafka_offset = excluded.kafka_offset,
      recorded_at = now()
    WHERE (excluded.reported_at, excluded.kafka_offset, excluded.kafka_topic, excluded.kafka_partition)
      > (known.reported_at, known.kafka_offset, known.kafka_topic, known.kafka_partition)`,
);
