/** Namespace of every record in schemas/. */
export const NAMESPACE = 'usage_ledger';

/** Full name of the record of a message value. */
export const ENVELOPE = `${NAMESPACE}.AgentMetricsEvent`;

/**
 * Avro record name and `type` literal of each metric, in the order of the union in
 * AgentMetricsEvent. On the wire the record is the type; the literal of the Python models exists
 * only in JSON and in TypeScript.
 */
export const METRIC_RECORDS = [
  { record: 'LLMMetrics', type: 'llm_metrics' },
  { record: 'RealtimeModelMetrics', type: 'realtime_model_metrics' },
  { record: 'STTMetrics', type: 'stt_metrics' },
  { record: 'TTSMetrics', type: 'tts_metrics' },
  { record: 'VADMetrics', type: 'vad_metrics' },
  { record: 'EOUMetrics', type: 'eou_metrics' },
  { record: 'InterruptionMetrics', type: 'interruption_metrics' },
  { record: 'EOTInferenceMetrics', type: 'eot_inference_metrics' },
  { record: 'AvatarMetrics', type: 'avatar_metrics' },
  { record: 'DecisionMetrics', type: 'decision_metrics' },
  { record: 'SessionUsageReport', type: 'session_usage_report' },
] as const;

/** Unqualified Avro name of a metric record. */
export type MetricRecordName = (typeof METRIC_RECORDS)[number]['record'];

/** The `type` literal of a metric. */
export type MetricType = (typeof METRIC_RECORDS)[number]['type'];

const RECORD_BY_TYPE: ReadonlyMap<string, MetricRecordName> = new Map(
  METRIC_RECORDS.map(({ record, type }) => [type, record]),
);

const TYPE_BY_RECORD: ReadonlyMap<string, MetricType> = new Map(
  METRIC_RECORDS.map(({ record, type }) => [record, type]),
);

/** The record name for a `type` literal; undefined for any other text. */
export function metricRecordName(type: string): MetricRecordName | undefined {
  return RECORD_BY_TYPE.get(type);
}

/** The `type` literal for an unqualified record name; undefined for any other name. */
export function metricTypeOf(recordName: string): MetricType | undefined {
  return TYPE_BY_RECORD.get(recordName);
}
