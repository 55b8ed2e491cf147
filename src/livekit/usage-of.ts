import type { AgentMetrics, Metadata } from './types.ts';
import {
  NO_USAGE,
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
 * The billing rule, defined only here: what one metric adds to which row. Undefined for what is not
 * billed: see `BillableMetric`.
 * Source: livekit-agents 1.8.9, metrics/usage.py and metrics/usage_collector.py.
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

/** Metrics that are never billed. */
type UnbilledType =
  | 'vad_metrics'
  | 'eou_metrics'
  | 'avatar_metrics'
  | 'decision_metrics'
  | 'session_usage_report';

/** A metric that is billed. */
export type BillableMetric = Exclude<AgentMetrics, { type: UnbilledType }>;

/** The kind of row that a metric type is billed to. */
export const USAGE_TYPE_OF = {
  llm_metrics: 'llm_usage',
  realtime_model_metrics: 'llm_usage',
  tts_metrics: 'tts_usage',
  stt_metrics: 'stt_usage',
  interruption_metrics: 'interruption_usage',
  eot_inference_metrics: 'eot_usage',
} as const satisfies Record<BillableMetric['type'], UsageType>;

/** Which field of a metric is billed as which usage column; a dot separates the field of a nested record. */
export const BILLED_FIELDS = {
  llm_metrics: {
    input_tokens: 'prompt_tokens',
    input_cached_tokens: 'prompt_cached_tokens',
    input_cache_creation_tokens: 'cache_creation_tokens',
    output_tokens: 'completion_tokens',
    output_reasoning_tokens: 'reasoning_tokens',
  },
  realtime_model_metrics: {
    input_tokens: 'input_tokens',
    input_cached_tokens: 'input_token_details.cached_tokens',
    input_audio_tokens: 'input_token_details.audio_tokens',
    input_cached_audio_tokens: 'input_token_details.cached_tokens_details.audio_tokens',
    input_text_tokens: 'input_token_details.text_tokens',
    input_cached_text_tokens: 'input_token_details.cached_tokens_details.text_tokens',
    input_image_tokens: 'input_token_details.image_tokens',
    input_cached_image_tokens: 'input_token_details.cached_tokens_details.image_tokens',
    output_tokens: 'output_tokens',
    output_audio_tokens: 'output_token_details.audio_tokens',
    output_text_tokens: 'output_token_details.text_tokens',
    output_image_tokens: 'output_token_details.image_tokens',
    session_duration: 'session_duration',
  },
  tts_metrics: {
    input_tokens: 'input_tokens',
    output_tokens: 'output_tokens',
    characters_count: 'characters_count',
    audio_duration: 'audio_duration',
  },
  stt_metrics: {
    input_tokens: 'input_tokens',
    input_audio_tokens: 'input_audio_tokens',
    output_tokens: 'output_tokens',
    audio_duration: 'audio_duration',
  },
  interruption_metrics: { total_requests: 'num_requests' },
  eot_inference_metrics: { total_requests: 'num_requests' },
} as const satisfies Record<BillableMetric['type'], Partial<Record<UsageColumn, string>>>;

/** The columns that a metric type contributes to, in the order of `usageValues`. */
export const COLUMNS_OF = columnsOf();

function columnsOf(): Record<BillableMetric['type'], readonly UsageColumn[]> {
  const entries = Object.entries(BILLED_FIELDS).map(([type, fields]) => [
    type,
    Object.keys(fields),
  ]);
  return Object.fromEntries(entries);
}

/** For each of `usageValues`, its index in `USAGE_COLUMNS`. */
export const PLACES_OF = Object.fromEntries(
  Object.entries(COLUMNS_OF).map(([type, columns]) => [
    type,
    columns.map((name) => USAGE_COLUMNS.indexOf(name)),
  ]),
) as Record<BillableMetric['type'], number[]>;

/** For each of `USAGE_COLUMNS`, its index in `usageValues`; -1: the type does not contribute to it. */
export const INDEX_OF = Object.fromEntries(
  Object.entries(PLACES_OF).map(([type, places]) => [
    type,
    USAGE_COLUMNS.map((_, place) => places.indexOf(place)),
  ]),
) as Record<BillableMetric['type'], number[]>;

/** The path of each billed field, in the order of `COLUMNS_OF`. */
const STEPS_OF = new Map<string, string[][]>(
  Object.entries(BILLED_FIELDS).map(([type, fields]) => [
    type,
    Object.values(fields).map((path: string) => path.split('.')),
  ]),
);

/**
 * What a metric adds to the columns of its type; `undefined`: it is not billed. Numbers are taken as
 * they are: total token counts are not derived from their details, which need not add up to them, and
 * cancelled requests count like any other.
 */
export function usageValues(metric: AgentMetrics): number[] | undefined {
  // Callers without types may pass null or anything else, which is not billed.
  return STEPS_OF.get(metric?.type)?.map((steps) => numberAt(metric, steps));
}

/**
 * Zero when a nested record is null, since the provider does not break down the details, and when the
 * metric is of a version that does not have the field.
 */
function numberAt(metric: AgentMetrics, steps: readonly string[]): number {
  let value: unknown = metric;
  for (const step of steps) {
    if (value == null) return 0;
    value = (value as Record<string, unknown>)[step];
  }
  return (value ?? 0) as number;
}

function nothing(usageType: UsageType, metadata: Metadata | null | undefined): BillableUsage {
  return {
    usageType,
    provider: metadata?.model_provider ?? '',
    model: metadata?.model_name ?? '',
    ...NO_USAGE,
  };
}
