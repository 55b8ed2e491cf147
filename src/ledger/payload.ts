import type { BillableMetric } from '../identify/identity.ts';
import type { UsageColumn } from '../livekit/usage-columns.ts';

/** A row of the view `ledger_entry`, as JSON. */
export type EntryJson = {
  metric_type: BillableMetric['type'];
  request_id: string | null;
  provider: string;
  model: string;
  event_at: string;
} & { [C in UsageColumn]: number };

/** A metric as JSON. Its type is on the prototype; it comes first here, as in Python. */
export function metricPayload(metric: BillableMetric): string {
  return JSON.stringify(Object.assign({ type: metric.type }, metric));
}

/**
 * A metric from its entry in the ledger, under the metric's own field names: what identifies it and
 * what is billed. The other fields (label, ttft, …) are only in the topic, at the entry's offset.
 */
export function entryPayload(entry: EntryJson): string {
  return JSON.stringify({
    type: entry.metric_type,
    ...(entry.request_id === null ? {} : { request_id: entry.request_id }),
    event_at: entry.event_at,
    metadata: { model_name: entry.model, model_provider: entry.provider },
    ...billedFields(entry),
  });
}

function billedFields(entry: EntryJson): object {
  switch (entry.metric_type) {
    case 'llm_metrics':
      return {
        completion_tokens: entry.output_tokens,
        prompt_tokens: entry.input_tokens,
        prompt_cached_tokens: entry.input_cached_tokens,
        cache_creation_tokens: entry.input_cache_creation_tokens,
        reasoning_tokens: entry.output_reasoning_tokens,
      };
    case 'tts_metrics':
      return {
        audio_duration: entry.audio_duration,
        characters_count: entry.characters_count,
        input_tokens: entry.input_tokens,
        output_tokens: entry.output_tokens,
      };
    case 'stt_metrics':
      return {
        audio_duration: entry.audio_duration,
        input_tokens: entry.input_tokens,
        input_audio_tokens: entry.input_audio_tokens,
        output_tokens: entry.output_tokens,
      };
    case 'interruption_metrics':
    case 'eot_inference_metrics':
      return { num_requests: entry.total_requests };
    case 'realtime_model_metrics':
      return {
        session_duration: entry.session_duration,
        input_tokens: entry.input_tokens,
        output_tokens: entry.output_tokens,
        input_token_details: {
          audio_tokens: entry.input_audio_tokens,
          text_tokens: entry.input_text_tokens,
          image_tokens: entry.input_image_tokens,
          cached_tokens: entry.input_cached_tokens,
          cached_tokens_details: {
            audio_tokens: entry.input_cached_audio_tokens,
            text_tokens: entry.input_cached_text_tokens,
            image_tokens: entry.input_cached_image_tokens,
          },
        },
        output_token_details: {
          text_tokens: entry.output_text_tokens,
          audio_tokens: entry.output_audio_tokens,
          image_tokens: entry.output_image_tokens,
        },
      };
  }
}
