import type {
  AgentMetrics,
  InterruptionMetrics,
  LLMMetrics,
  Metadata,
  RealtimeModelMetrics,
  STTMetrics,
  TTSMetrics,
} from './types.ts';
import type { UsageColumn, UsageColumns, UsageType } from './usage-columns.ts';

export type { UsageColumns } from './usage-columns.ts';

/** One metric's contribution to the usage of one kind, provider and model. */
export interface BillableUsage extends UsageColumns {
  usageType: UsageType;
  /** Provider as the emitter names it; `""` when it does not. */
  provider: string;
  /** Model as the emitter names it; `""` when it does not. */
  model: string;
}

/**
 * The billing rule, the only place that has it: what one metric adds to which row.
 * Numbers are passed on as given. Headline token counts are never derived from the details, which
 * need not add up to them, and cancelled work counts like any other.
 * Undefined for what is not billed: VAD, EOU, and anything that is not a metric.
 * Called for every event, so it allocates the answer (always of one shape) and nothing else.
 * Source: livekit-agents 1.5.10, metrics/usage.py and metrics/usage_collector.py.
 */
export function billableUsage(metric: AgentMetrics): BillableUsage | undefined {
  // The declared type holds for TypeScript callers only: null and strangers are not billed.
  switch (metric?.type) {
    case 'llm_metrics':
      return ofLlm(metric);
    case 'realtime_model_metrics':
      return ofRealtime(metric);
    case 'tts_metrics':
      return ofTts(metric);
    case 'stt_metrics':
      return ofStt(metric);
    case 'interruption_metrics':
      return ofInterruption(metric);
    default:
      return undefined;
  }
}

/**
 * The columns that a metric type contributes to; the others are zero in its `billableUsage`. What
 * goes over many events looks only at these.
 */
export const COLUMNS_OF = {
  llm_metrics: ['input_tokens', 'input_cached_tokens', 'output_tokens'],
  realtime_model_metrics: [
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
  ],
  tts_metrics: ['input_tokens', 'output_tokens', 'characters_count', 'audio_duration'],
  stt_metrics: ['input_tokens', 'output_tokens', 'audio_duration'],
  interruption_metrics: ['total_requests'],
} as const satisfies Partial<Record<AgentMetrics['type'], readonly UsageColumn[]>>;

function ofLlm(metric: LLMMetrics): BillableUsage {
  const usage = nothing('llm_usage', metric.metadata);
  usage.input_tokens = metric.prompt_tokens;
  usage.input_cached_tokens = metric.prompt_cached_tokens;
  usage.output_tokens = metric.completion_tokens;
  return usage;
}

function ofRealtime(metric: RealtimeModelMetrics): BillableUsage {
  const usage = nothing('llm_usage', metric.metadata);
  const input = metric.input_token_details;
  const cached = input.cached_tokens_details;
  const output = metric.output_token_details;
  usage.input_tokens = metric.input_tokens;
  usage.input_cached_tokens = input.cached_tokens;
  usage.input_audio_tokens = input.audio_tokens;
  usage.input_text_tokens = input.text_tokens;
  usage.input_image_tokens = input.image_tokens;
  if (cached) {
    usage.input_cached_audio_tokens = cached.audio_tokens;
    usage.input_cached_text_tokens = cached.text_tokens;
    usage.input_cached_image_tokens = cached.image_tokens;
  }
  usage.output_tokens = metric.output_tokens;
  usage.output_audio_tokens = output.audio_tokens;
  usage.output_text_tokens = output.text_tokens;
  usage.output_image_tokens = output.image_tokens;
  usage.session_duration = metric.session_duration;
  return usage;
}

function ofTts(metric: TTSMetrics): BillableUsage {
  const usage = nothing('tts_usage', metric.metadata);
  usage.input_tokens = metric.input_tokens;
  usage.output_tokens = metric.output_tokens;
  usage.characters_count = metric.characters_count;
  usage.audio_duration = metric.audio_duration;
  return usage;
}

function ofStt(metric: STTMetrics): BillableUsage {
  const usage = nothing('stt_usage', metric.metadata);
  usage.input_tokens = metric.input_tokens;
  usage.output_tokens = metric.output_tokens;
  usage.audio_duration = metric.audio_duration;
  return usage;
}

function ofInterruption(metric: InterruptionMetrics): BillableUsage {
  const usage = nothing('interruption_usage', metric.metadata);
  usage.total_requests = metric.num_requests;
  return usage;
}

function nothing(usageType: UsageType, metadata: Metadata | null | undefined): BillableUsage {
  return {
    usageType,
    provider: metadata?.model_provider ?? '',
    model: metadata?.model_name ?? '',
    input_tokens: 0,
    input_cached_tokens: 0,
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
    session_duration: 0,
    characters_count: 0,
    audio_duration: 0,
    total_requests: 0,
  };
}
