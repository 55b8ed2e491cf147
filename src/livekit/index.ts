/** The library entry `usage-ledger/metrics`: livekit-agents' metrics, without Kafka or Postgres. */
export { logMetrics, type MetricsLogFields, type MetricsLogger } from './log-metrics.ts';
export type {
  AgentSessionUsage,
  EOTModelUsage,
  InterruptionModelUsage,
  LLMModelUsage,
  ModelUsage,
  STTModelUsage,
  TTSModelUsage,
} from './model-usage.ts';
export { ModelUsageCollector } from './model-usage-collector.ts';
export type {
  AgentMetrics,
  AgentMetricsEvent,
  AvatarMetrics,
  CachedTokenDetails,
  DecisionMetrics,
  EOTInferenceMetrics,
  EOUMetrics,
  InputTokenDetails,
  InterruptionMetrics,
  LLMMetrics,
  Metadata,
  OutputTokenDetails,
  RealtimeModelMetrics,
  ReportedModelUsage,
  SessionUsageReport,
  STTMetrics,
  TTSMetrics,
  VADMetrics,
} from './types.ts';
export { UsageCollector } from './usage-collector.ts';
export {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  USAGE_TYPES,
  type UsageColumn,
  type UsageColumns,
  type UsageType,
} from './usage-columns.ts';
export { type BillableUsage, billableUsage } from './usage-of.ts';
export { UsageSummary } from './usage-summary.ts';
