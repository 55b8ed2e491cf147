import type { AgentMetrics } from './types.ts';
import { COLUMNS_OF } from './usage-of.ts';

/** What a metric measures of its call, apart from what it bills; all in seconds, or tokens per second. */
export const MEASURED_FIELDS = {
  llm_metrics: ['ttft', 'tokens_per_second'],
  realtime_model_metrics: ['ttft', 'tokens_per_second'],
  tts_metrics: ['ttfb'],
  eou_metrics: ['end_of_utterance_delay', 'transcription_delay'],
} as const satisfies Partial<Record<AgentMetrics['type'], readonly string[]>>;

export type MeasuredType = keyof typeof MEASURED_FIELDS;

/** The measured fields of a metric type, in the order of `measuredValues`; most types have none. */
export function measuredFieldsOf(type: AgentMetrics['type']): readonly string[] {
  return (MEASURED_FIELDS as Partial<Record<string, readonly string[]>>)[type] ?? [];
}

/** Those of one metric. */
export function measuredValues(metric: AgentMetrics): number[] {
  const fields = metric as unknown as Readonly<Record<string, number>>;
  return measuredFieldsOf(metric.type).map((name) => fields[name] ?? 0);
}

/** How many billed values precede the measured ones among the values of a message. */
export function billedCountOf(type: AgentMetrics['type']): number {
  return (COLUMNS_OF as Partial<Record<string, readonly string[]>>)[type]?.length ?? 0;
}
