import { readFileSync } from 'node:fs';
import avsc from 'avsc';

const SCHEMA_FILE = new URL('../schema/AgentMetricsEvent.avsc', import.meta.url);

/** The schema of a message value, as it is registered. */
export const SCHEMA_TEXT = readFileSync(SCHEMA_FILE, 'utf8');

const EVENT = avsc.Type.forSchema(JSON.parse(SCHEMA_TEXT) as avsc.Schema, {
  wrapUnions: true,
}) as avsc.types.RecordType;
const METRICS = EVENT.field('metric').type as avsc.types.WrappedUnionType;

const RECORD_OF: Readonly<Record<string, string>> = {
  llm_metrics: 'LLMMetrics',
  realtime_model_metrics: 'RealtimeModelMetrics',
  stt_metrics: 'STTMetrics',
  tts_metrics: 'TTSMetrics',
  vad_metrics: 'VADMetrics',
  eou_metrics: 'EOUMetrics',
  interruption_metrics: 'InterruptionMetrics',
  eot_inference_metrics: 'EOTInferenceMetrics',
  avatar_metrics: 'AvatarMetrics',
  decision_metrics: 'DecisionMetrics',
  session_usage_report: 'SessionUsageReport',
};

/** A metric in our names and units; fields that are absent take their default, or 0, "" or null. */
export type WireMetric = Readonly<Record<string, unknown>>;

/**
 * The Avro body of one event, and the fields of `metric` that the schema does not have.
 *
 * @throws for a metric of an unknown type, and for a value that does not fit its field
 */
export function encode(
  type: string,
  metric: WireMetric,
  sessionId: string,
  accountId: string | null,
  attributes: Readonly<Record<string, string>>,
): { body: Buffer; unknown: string[] } {
  const name = `usage_ledger.${RECORD_OF[type]}`;
  const record = METRICS.types.find((branch) => branch.name === name);
  if (record === undefined) throw new Error(`unknown metric type '${type}'`);
  const unknown: string[] = [];
  const body = EVENT.toBuffer({
    session_id: sessionId,
    account_id: accountId === null ? null : { string: accountId },
    attributes,
    metric: { [name]: fill(record, metric, unknown) },
  });
  return { body, unknown };
}

/** The Confluent wire format: byte 0, the schema id as four bytes, the body. */
export function frame(schemaId: number, body: Buffer): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, body]);
}

/** `value` as avsc takes it: complete, and with the branches of unions named. */
function fill(type: avsc.Type, value: unknown, unknown: string[]): unknown {
  if (type instanceof avsc.types.RecordType) {
    const record = (value ?? {}) as WireMetric;
    const names = new Set(type.fields.map(({ name }) => name));
    const others = Object.keys(record).filter((name) => !names.has(name));
    unknown.push(...others.map((name) => `${type.name?.split('.').at(-1)}.${name}`));
    return Object.fromEntries(
      type.fields.map((field) => [
        field.name,
        fill(field.type, record[field.name] ?? field.defaultValue(), unknown),
      ]),
    );
  }
  if (type instanceof avsc.types.WrappedUnionType) {
    const branch = type.types.find(({ typeName }) => typeName !== 'null');
    if (value === undefined || value === null || branch === undefined) return null;
    return { [branch.branchName as string]: fill(branch, value, unknown) };
  }
  if (type instanceof avsc.types.ArrayType) {
    return (value as readonly unknown[]).map((item) => fill(type.itemsType, item, unknown));
  }
  return value ?? ZEROS[type.typeName];
}

const ZEROS: Readonly<Record<string, unknown>> = {
  string: '',
  long: 0,
  double: 0,
  boolean: false,
};
