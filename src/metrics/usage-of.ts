import type { AgentMetrics, Metadata, RealtimeModelMetrics } from './types.ts';
import {
  USAGE_COLUMNS,
  type UsageColumn,
  type UsageColumns,
  type UsageType,
} from './usage-columns.ts';

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
 * Undefined for what is not billed: VAD, EOU, and anything that is not a metric.
 * Source: livekit-agents 1.5.10, metrics/usage.py and metrics/usage_collector.py.
 */
export function billableUsage(metric: AgentMetrics): BillableUsage | undefined {
  const values = usageValues(metric);
  if (values === undefined) return undefined;
  const { type, metadata } = metric as BillableMetric;
  const usage = nothing(USAGE_TYPE_OF[type], metadata);
  COLUMNS_OF[type].forEach((name, i) => {
    usage[name] = values[i] as number;
  });
  return usage;
}

/** A metric that is billed: all but VAD and EOU. */
export type BillableMetric = Exclude<AgentMetrics, { type: 'vad_metrics' | 'eou_metrics' }>;

/** The kind of row that a metric type is billed to. */
export const USAGE_TYPE_OF = {
  llm_metrics: 'llm_usage',
  realtime_model_metrics: 'llm_usage',
  tts_metrics: 'tts_usage',
  stt_metrics: 'stt_usage',
  interruption_metrics: 'interruption_usage',
} as const satisfies Record<BillableMetric['type'], UsageType>;

/** The columns that a metric type contributes to, in the order of `usageValues`. */
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
} as const satisfies Record<BillableMetric['type'], readonly UsageColumn[]>;

/** For each of `usageValues`, its place among `USAGE_COLUMNS`. */
export const PLACES_OF = Object.fromEntries(
  Object.entries(COLUMNS_OF).map(([type, columns]) => [
    type,
    columns.map((name) => USAGE_COLUMNS.indexOf(name)),
  ]),
) as Record<BillableMetric['type'], number[]>;

/**
 * What a metric adds to the columns of its type. Numbers are passed on as given: headline token
 * counts are never derived from the details, which need not add up to them, and cancelled work
 * counts like any other. Called for every event, so it allocates the answer and nothing else.
 */
export function usageValues(metric: AgentMetrics): number[] | undefined {
  // The declared type holds for TypeScript callers only: null and strangers are not billed.
  switch (metric?.type) {
    case 'llm_metrics':
      return [metric.prompt_tokens, metric.prompt_cached_tokens, metric.completion_tokens];
    case 'realtime_model_metrics':
      return ofRealtime(metric);
    case 'tts_metrics':
      return [
        metric.input_tokens,
        metric.output_tokens,
        metric.characters_count,
        metric.audio_duration,
      ];
    case 'stt_metrics':
      return [metric.input_tokens, metric.output_tokens, metric.audio_duration];
    case 'interruption_metrics':
      return [metric.num_requests];
    default:
      return undefined;
  }
}

function ofRealtime(metric: RealtimeModelMetrics): number[] {
  const input = metric.input_token_details;
  const cached = input.cached_tokens_details;
  const output = metric.output_token_details;
  return [
    metric.input_tokens,
    input.cached_tokens,
    input.audio_tokens,
    cached?.audio_tokens ?? 0,
    input.text_tokens,
    cached?.text_tokens ?? 0,
    input.image_tokens,
    cached?.image_tokens ?? 0,
    metric.output_tokens,
    output.audio_tokens,
    output.text_tokens,
    output.image_tokens,
    metric.session_duration,
  ];
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
