import { messageOf } from '../../errors.ts';
import { planOf, SENT_PLAN } from '../../identify/canonical-form.ts';
import type { AgentMetrics } from '../../livekit/types.ts';
import { BILLED_FIELDS } from '../../livekit/usage-of.ts';
import type { AgentEvent } from '../../records/agent-event.ts';
import type { AvroField } from '../../schemas/avro-schema.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../../schemas/load.ts';
import {
  ENVELOPE,
  type MetricRecordName,
  metricTypeOf,
  NAMESPACE,
} from '../../schemas/metric-records.ts';
import { Cursor } from './cursor.ts';
import { parseSchema } from './parse-schema.ts';
import { type Read, Resolver } from './resolve.ts';
import { unknownFieldsOf, withUnknownFields } from './unknown-fields.ts';
import { nameOf, type WriterField, type WriterType } from './writer-type.ts';

/** What the bytes of one message say, in our schema. */
export type ReadEvent =
  | (Omit<AgentEvent, 'sessionId'> & {
      readonly kind: 'event';
      /** `undefined`: the message is a bare metric, whose session a header or the key names. */
      readonly sessionId: string | undefined;
    })
  | { readonly kind: 'unknown_metric_type'; readonly detail: string }
  | { readonly kind: 'undecodable'; readonly detail: string };

/**
 * Reads a message of one writer schema as an event of ours. The Avro binary begins at `start` and is
 * the rest of `bytes`.
 *
 * @throws when the bytes do not follow the writer's schema
 */
export type Reader = (bytes: Buffer, start: number) => ReadEvent;

/** How the messages of a writer's schema are read, and the parsed schema. */
export interface SchemaReader {
  readonly reader: Reader;
  readonly writer: WriterType;
  /** Fields that only the writer has, such as `LLMMetrics.audio_tokens`: what they say is not billed. */
  readonly unknownFields: readonly string[];
}

interface Envelope {
  readonly session_id: string;
  readonly account_id: string | null;
  readonly attributes: Readonly<Record<string, string>>;
}

const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze({});

/**
 * Compiles the reader of messages written with `writerSchema`: an envelope or one of the metrics. That
 * takes milliseconds and is done once for each schema id; to read a message takes about 1 µs.
 *
 * @throws when the schema is not Avro that we can parse, or cannot be resolved to ours
 */
export function readerFor(writerSchema: unknown): SchemaReader {
  const writer = parseSchema(writerSchema);
  return { reader: readerOf(writer), writer, unknownFields: unknownIn(writer) };
}

function readerOf(writer: WriterType): Reader {
  const name = nameOf(writer);
  if (name === ENVELOPE) return envelopeReader(writer);
  const metric = ownMetric(name);
  if (metric !== undefined) return bareMetricReader(metric, writer);
  const detail = `the schema is ${name}, not ${ENVELOPE} or one of its metrics`;
  return () => ({ kind: 'unknown_metric_type', detail });
}

function bareMetricReader(metric: MetricRecordName, writer: WriterType): Reader {
  const readMetric = metricRead(metric, writer);
  return (bytes, start) => {
    const cursor = new Cursor(bytes, start);
    const read = readMetric(cursor) as AgentMetrics;
    expectEnd(cursor);
    return {
      kind: 'event',
      sessionId: undefined,
      accountId: null,
      attributes: NO_ATTRIBUTES,
      metric: read,
      notUtf8: cursor.notUtf8,
    };
  };
}

/**
 * A newer writer may know metrics that we do not, or have one that cannot be read as ours: a branch
 * of its union costs only the messages that have it, and is not examined.
 */
function envelopeReader(writer: WriterType): Reader {
  const fields = writer.fields ?? [];
  const at = fields.findIndex(({ name }) => name === 'metric');
  const metric = fields[at];
  if (metric === undefined) throw new Error(`${nameOf(writer)} has no field "metric"`);
  const ours = loadEnvelopeSchema();
  const inFront = fields.slice(0, at);
  const isInFront = ({ name }: { name: string }) => inFront.some((field) => field.name === name);
  const others = ours.fields.filter(({ name }) => name !== 'metric');
  const resolver = new Resolver(ours);
  const part = (wanted: AvroField[], given: readonly WriterField[]) =>
    resolver.record({ ...ours, fields: wanted }, { ...writer, fields: given });
  const readHead = part(others.filter(isInFront), inFront);
  // Those that the writer does not have take their defaults.
  const readTail = part(
    others.filter((field) => !isInFront(field)),
    fields.slice(at + 1),
  );
  const isUnion = metric.type.typeName === 'union';
  const branches = (isUnion ? (metric.type.types ?? []) : [metric.type]).map(branchOf);

  return (bytes, start) => {
    const cursor = new Cursor(bytes, start);
    const head = readHead(cursor) as Partial<Envelope>;
    const index = isUnion ? cursor.long() : 0;
    const branch = branches[index];
    if (branch === undefined)
      throw new Error(`the metric is branch ${index} of ${branches.length}`);
    if (typeof branch !== 'function') return branch;
    const read = branch(cursor) as AgentMetrics;
    const event = { ...head, ...(readTail(cursor) as Partial<Envelope>) } as Envelope;
    expectEnd(cursor);
    return {
      kind: 'event',
      sessionId: event.session_id,
      accountId: event.account_id,
      attributes: event.attributes,
      metric: read,
      notUtf8: cursor.notUtf8,
    };
  };
}

/** How a branch of the union is read, or why its messages are dead letters. */
function branchOf(writer: WriterType): Read | ReadEvent {
  const name = nameOf(writer);
  const metric = ownMetric(name);
  if (metric === undefined) {
    const detail = `the metric is ${name}, which is not known here`;
    return { kind: 'unknown_metric_type', detail };
  }
  try {
    return metricRead(metric, writer);
  } catch (error) {
    return { kind: 'undecodable', detail: `${name} cannot be read as ours: ${messageOf(error)}` };
  }
}

/** On the wire the branch says which metric it is; the metric itself says it as its `type`. */
function metricRead(metric: MetricRecordName, writer: WriterType): Read {
  const ours = loadMetricSchema(metric);
  const type = metricTypeOf(metric);
  const sent = type !== undefined && type in BILLED_FIELDS ? withUnknownFields(ours, writer) : ours;
  const more = sent === ours ? { type } : { type, [SENT_PLAN]: planOf(sent) };
  return new Resolver(sent).record(sent, writer, more);
}

function unknownIn(writer: WriterType): string[] {
  const unknownOfMetric = (type: WriterType) => {
    const metric = ownMetric(nameOf(type));
    if (metric === undefined) return [];
    return unknownFieldsOf(loadMetricSchema(metric), type).map((name) => `${metric}.${name}`);
  };
  if (nameOf(writer) !== ENVELOPE) return unknownOfMetric(writer);
  const { fields = [] } = writer;
  const metric = fields.find(({ name }) => name === 'metric')?.type;
  const branches = metric === undefined ? [] : [metric, ...(metric.types ?? [])];
  const ours = loadEnvelopeSchema();
  // The metric is of the branches, each of which names itself.
  const head = ours.fields.map((field) => ({
    ...field,
    ...(field.name === 'metric' && { type: 'null' }),
  }));
  return [
    ...unknownFieldsOf({ ...ours, fields: head }, writer),
    ...branches.flatMap(unknownOfMetric),
  ];
}

function expectEnd(cursor: Cursor): void {
  if (cursor.left > 0) throw new Error(`${cursor.left} bytes follow the event`);
}

/** The metric of ours that has this full record name. */
function ownMetric(fullName: string): MetricRecordName | undefined {
  if (!fullName.startsWith(`${NAMESPACE}.`)) return undefined;
  const record = fullName.slice(NAMESPACE.length + 1);
  return metricTypeOf(record) === undefined ? undefined : (record as MetricRecordName);
}
