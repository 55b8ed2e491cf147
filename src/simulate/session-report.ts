import type { ModelUsage, ReportedModelUsage, SessionUsageReport } from '../livekit/index.ts';

const NOTHING = {
  input_tokens: 0,
  input_cached_tokens: 0,
  input_cache_creation_tokens: 0,
  input_audio_tokens: 0,
  input_cached_audio_tokens: 0,
  input_text_tokens: 0,
  input_cached_text_tokens: 0,
  input_image_tokens: 0,
  input_cached_image_tokens: 0,
  output_tokens: 0,
  output_audio_tokens: 0,
  output_text_tokens: 0,
  output_image_tokens: 0,
  output_reasoning_tokens: 0,
  session_duration: 0,
  characters_count: 0,
  audio_duration: 0,
  total_requests: 0,
};

/** What an agent sends when its session closes: what it counted itself. */
export function sessionReport(usage: readonly ModelUsage[], timestamp: number): SessionUsageReport {
  const model_usage = usage.map((row): ReportedModelUsage => ({ ...NOTHING, ...row }));
  return { type: 'session_usage_report', timestamp, model_usage };
}
