import { USAGE_TYPES } from '../livekit/usage-columns.ts';
import { type Database, readingSnapshot } from '../postgres/database.ts';

/** Columns of the report: the key of a row, then all that is billed. */
export const REPORT_COLUMNS = [
  'session_id',
  'usage_type',
  'provider',
  'model',
  'input_tokens',
  'input_cached_tokens',
  'input_audio_tokens',
  'input_cached_audio_tokens',
  'input_text_tokens',
  'input_cached_text_tokens',
  'input_image_tokens',
  'input_cached_image_tokens',
  'output_tokens',
  'output_audio_tokens',
  'output_text_tokens',
  'output_image_tokens',
  'session_duration',
  'characters_count',
  'audio_duration',
  'total_requests',
  'event_count',
  // Those that came later are last: others read a CSV by position.
  'input_cache_creation_tokens',
  'output_reasoning_tokens',
] as const;

/** A row, with every value as the exact text that Postgres prints. */
export type ReportRow = Record<(typeof REPORT_COLUMNS)[number], string>;

const PAGE = 10_000;

/**
 * Usage per session and model, by session, then in the order of USAGE_TYPES.
 *
 * @param sessionId only this session
 */
export async function* usageRows(
  database: Database,
  sessionId?: string,
): AsyncGenerator<ReportRow> {
  const connection = await readingSnapshot(database);
  try {
    await connection.query(
      `DECLARE report CURSOR FOR
        SELECT ${REPORT_COLUMNS.map((name) => `${name}::text AS ${name}`).join(', ')}
        FROM session_model_usage AS usage
        WHERE $1::text IS NULL OR session_id = $1
        ORDER BY usage.session_id,
          array_position($2::text[], usage.usage_type), usage.provider, usage.model`,
      [sessionId ?? null, USAGE_TYPES],
    );
    for (;;) {
      const { rows } = await connection.query<ReportRow>(`FETCH ${PAGE} FROM report`);
      yield* rows;
      if (rows.length < PAGE) break;
    }
    await connection.query('COMMIT');
  } finally {
    connection.release(true);
  }
}
