import type { BenchDatabase } from './services.ts';

const ENTRIES_PER_PAGE = 40;
/** The old sessions were written to one after the other, until now. */
const DAYS = 30;
/** The times of a session comprise those of its entries, which `verify` checks. */
const BEGAN = "'2025-10-09T08:53:20Z'::timestamptz";
const ENDED = "'2025-10-09T08:53:21Z'::timestamptz";

/**
 * Fills the ledger with old sessions, as it stands after a month: pages of random identities, made by
 * Postgres itself. They are of other sessions than the events of the bench.
 *
 * @param isLive whether each entry has a page of its own, as live traffic leaves them
 */
export async function prefill(
  database: BenchDatabase,
  entries: number,
  isLive = false,
): Promise<void> {
  const pages = Math.ceil(entries / ENTRIES_PER_PAGE);
  await database.query(`
    INSERT INTO usage_source (metric_type, provider, model)
    VALUES ('llm_metrics', 'old', 'old') ON CONFLICT DO NOTHING`);
  await database.query(`
    INSERT INTO session (session_id, account_id, first_event_at, last_event_at, revision)
    SELECT 'old_' || md5(n::text), 'old', ${BEGAN}, ${ENDED}, 1 FROM generate_series(1, ${pages}) AS n`);
  await database.query(`
    INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
      base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta,
      input_tokens, output_tokens, recorded_at)
    SELECT 'old_' || md5(n::text), date_trunc('month', now() AT TIME ZONE 'UTC'), 1, 0, 'old', 0,
      n * ${ENTRIES_PER_PAGE}, ${ENTRIES_PER_PAGE}, page.identities, page.sources, page.requests,
      page.times, page.deltas, page.deltas::bigint[], page.deltas::bigint[],
      now() - interval '${DAYS} days' * (1 - n / ${pages}::float8)
    FROM generate_series(1, ${pages}) AS n
    CROSS JOIN LATERAL (
      SELECT string_agg(decode(md5(n || '/' || i), 'hex'), '') AS identities,
        array_agg((SELECT max(source_id) FROM usage_source)) AS sources,
        array_agg('chatcmpl-' || left(md5(i || '/' || n), 24)) AS requests,
        array_agg(1760000000000000 + i) AS times,
        array_agg(i) AS deltas
      FROM generate_series(1, ${ENTRIES_PER_PAGE}) AS i
    ) AS page`);
  await database.query(`
    INSERT INTO session_model_usage (session_id, usage_type, provider, model, input_tokens,
      output_tokens, event_count, first_event_at, last_event_at, updated_at)
    SELECT 'old_' || md5(n::text), 'llm_usage', 'old', 'old', 820, 820, ${ENTRIES_PER_PAGE},
      ${BEGAN}, ${ENDED}, now() - interval '${DAYS} days' * (1 - n / ${pages}::float8)
    FROM generate_series(1, ${pages}) AS n`);
  if (isLive) await splitPages(database);
  await database.query(`
    INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
      range_first_offset) VALUES ('old', 'old', 0, ${pages * ENTRIES_PER_PAGE}, 0, 0)`);
  await database.query(`
    INSERT INTO consumed_range (group_id, topic, partition, pass, first_offset, next_offset,
      consumed, applied, duplicate, ignored, conflict, dead_letter)
    VALUES ('old', 'old', 0, 0, 0, ${pages * ENTRIES_PER_PAGE}, ${pages * ENTRIES_PER_PAGE},
      ${pages * ENTRIES_PER_PAGE}, 0, 0, 0, 0)`);
  // As old sessions are: compacted long ago.
  if (!isLive) await database.query('TRUNCATE uncompacted_session');
  await database.query('VACUUM ANALYZE');
}

/** Splits each page into pages of one entry, with the recorded times and order that they would have. */
async function splitPages(database: BenchDatabase): Promise<void> {
  await database.query(`
    CREATE TABLE packed AS SELECT * FROM ledger_page;
    TRUNCATE ledger_page;
    INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
      base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta,
      input_tokens, output_tokens, recorded_at)
    SELECT session_id, period, revision, n - 1, kafka_topic, kafka_partition,
      base_offset + offset_delta[n], 1, substring(identities FROM 16 * n - 15 FOR 16),
      source_id[n:n], request_id[n:n], event_us[n:n], ARRAY[0], input_tokens[n:n],
      output_tokens[n:n], recorded_at
    FROM packed CROSS JOIN generate_series(1, ${ENTRIES_PER_PAGE}) AS n
    ORDER BY recorded_at, n;
    DROP TABLE packed`);
}
