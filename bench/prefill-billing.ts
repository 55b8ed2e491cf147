import type { BenchDatabase } from './services.ts';

/** Each call has so many billed events, five seconds apart. */
export const EVENTS_PER_CALL = 50;
export const DAYS = 90;
const ACCOUNTS = 500;
const SECONDS_APART = 5;
/** Sessions of one statement: each is a transaction of its own. */
const CHUNK = 5_000;

/**
 * Fills a ledger for reading: calls evenly over 90 days until now, of 500 accounts of which a few have most,
 * each event in a page of its own, as live traffic leaves them. Of each call's 50 events, 20 are of an LLM,
 * 20 of speech recognition, 10 of speech synthesis.
 */
export async function prefillBilling(
  database: Pick<BenchDatabase, 'query'>,
  entries: number,
  progress: (done: number, all: number) => void,
): Promise<void> {
  const calls = Math.ceil(entries / EVENTS_PER_CALL);
  await database.query(`
    INSERT INTO usage_source (metric_type, provider, model)
    VALUES ('llm_metrics', 'openai', 'gpt-a'), ('llm_metrics', 'openai', 'gpt-b'),
      ('stt_metrics', 'deepgram', 'nova'), ('tts_metrics', 'cartesia', 'sonic');
    INSERT INTO model_price (usage_type, provider, model, dimension, unit_price, per, currency, valid_from)
    VALUES ('llm_usage', 'openai', 'gpt-*', 'input_tokens', 2, 1000000, 'USD', '2020-01-01'),
      ('llm_usage', 'openai', 'gpt-*', 'output_tokens', 10, 1000000, 'USD', '2020-01-01'),
      ('stt_usage', 'deepgram', '*', 'audio_duration', 0.01, 60, 'USD', '2020-01-01'),
      ('tts_usage', 'cartesia', '*', 'characters_count', 20, 1000000, 'USD', '2020-01-01')`);
  for (let first = 1; first <= calls; first += CHUNK) {
    const last = Math.min(first + CHUNK - 1, calls);
    await database.query(chunk(first, last, calls));
    progress(last, calls);
  }
  await database.query(`
    INSERT INTO consumer_position (group_id, topic, partition, next_offset, pass_first_offset,
      range_first_offset, applied_until)
    VALUES ('group', 'calls', 0, ${calls * EVENTS_PER_CALL}, 0, 0, now());
    INSERT INTO consumed_range (group_id, topic, partition, pass, first_offset, next_offset,
      consumed, applied, duplicate, ignored, conflict, dead_letter)
    VALUES ('group', 'calls', 0, 0, 0, ${calls * EVENTS_PER_CALL}, ${calls * EVENTS_PER_CALL},
      ${calls * EVENTS_PER_CALL}, 0, 0, 0, 0)`);
  await database.query('VACUUM ANALYZE');
}

/** Calls by number; the number decides everything, so that pages of live calls lie among each other. */
function chunk(first: number, last: number, calls: number): string {
  const startOf = `date_trunc('hour', now()) - interval '${DAYS} days'
      + n * (interval '${DAYS} days' / ${calls})`;
  const accountOf = `'account_' || floor(${ACCOUNTS} * power((n * 7919 % 10007) / 10007.0, 3))::integer`;
  return `
    CREATE TEMP TABLE call ON COMMIT DROP AS
      SELECT n, 'call_' || n AS session_id, ${accountOf} AS account_id, ${startOf} AS began,
        ${startOf} + interval '${(EVENTS_PER_CALL - 1) * SECONDS_APART} seconds' AS ended,
        CASE n % 3 WHEN 0 THEN 'gpt-a' ELSE 'gpt-b' END AS llm
      FROM generate_series(${first}, ${last}) AS n;
    INSERT INTO session (session_id, account_id, first_event_at, last_event_at, revision)
      SELECT session_id, account_id, began, ended, 1 FROM call;
    INSERT INTO ledger_page (session_id, period, revision, page, kafka_topic, kafka_partition,
      base_offset, entry_count, identities, source_id, request_id, event_us, offset_delta,
      input_tokens, output_tokens, characters_count, audio_duration, recorded_at)
    SELECT call.session_id, known.period, 1, i, 'calls', 0, (n - 1) * ${EVENTS_PER_CALL} + i, 1,
      decode(md5(n || '/' || i), 'hex'), ARRAY[source.source_id], ARRAY['req-' || left(md5(i || '/' || n), 24)],
      ARRAY[(extract(epoch FROM began) * 1000000)::bigint + i * ${SECONDS_APART}000000], ARRAY[0],
      CASE WHEN kind = 0 THEN ARRAY[1000::bigint] END, CASE WHEN kind = 0 THEN ARRAY[100::bigint] END,
      CASE WHEN kind = 2 THEN ARRAY[60::bigint] END, CASE WHEN kind = 1 THEN ARRAY[3.5] END,
      began + i * interval '${SECONDS_APART} seconds'
    FROM call JOIN session AS known USING (session_id)
    CROSS JOIN generate_series(0, ${EVENTS_PER_CALL - 1}) AS i
    CROSS JOIN LATERAL (SELECT CASE WHEN i % 5 IN (0, 1) THEN 0 WHEN i % 5 IN (2, 3) THEN 1 ELSE 2 END AS kind) AS kinds
    JOIN usage_source AS source ON source.model = CASE kind WHEN 0 THEN llm WHEN 1 THEN 'nova' ELSE 'sonic' END
    ORDER BY i, n;
    INSERT INTO session_model_usage (session_id, usage_type, provider, model, input_tokens, output_tokens,
      characters_count, audio_duration, event_count, first_event_at, last_event_at, updated_at)
    SELECT session_id, usage.*, began, ended, ended
    FROM call CROSS JOIN LATERAL (VALUES
      ('llm_usage', 'openai', llm, 20000::bigint, 2000::bigint, 0::bigint, 0::numeric, 20::bigint),
      ('stt_usage', 'deepgram', 'nova', 0, 0, 0, 70, 20),
      ('tts_usage', 'cartesia', 'sonic', 0, 0, 600, 0, 10)
    ) AS usage`;
}
