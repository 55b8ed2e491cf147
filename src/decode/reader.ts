import type avro from 'avsc';
import { messageOf } from '../errors.ts';
import type { AgentMetrics } from '../metrics/types.ts';
import { loadEnvelopeSchema, loadMetricSchema } from '../schemas/load.ts';
import {
  ENVELOPE,
  type MetricRecordName,
  metricTypeOf,
  NAMESPACE,
} from '../schemas/metric-records.ts';
import { exactType } from './exact-types.ts';
import type { WriterType } from './writer-type.ts';

/** What the bytes of one message say, in our schema; nothing about it is checked yet. */
export type ReadEvent =
  | {
      readonly kind: 'event';
      /** `undefined`: the message is a bare metric, whose session is told beside it. */
      readonly sessionId: string | undefined;
      readonly accountId: string | null;
      readonly attributes: Readonly<Record<string, string>>;
      readonly metric: AgentMetrics;
    }
  | { readonly kind: 'unknown_metric_type'; readonly detail: string }
  | { readonly kind: 'undecodable'; readonly detail: string };

/**
 * Reads the messages of one writer schema as events of our own; the Avro binary is what of `bytes`
 * lies behind `start`.
 *
 * @throws when the bytes do not follow the writer's schema
 */
export type Reader = (bytes: Buffer, start: number) => ReadEvent;

/** How the messages of a writer's schema are read, and how their bytes lie. */
export interface SchemaReader {
  readonly reader: Reader;
  readonly writer: WriterType;
}

interface RecordType extends avro.Type {
  readonly name: string;
  readonly recordConstructor: { prototype: object };
  readonly fields: readonly { name: string; type: avro.Type }[];
}
interface UnionType extends avro.Type {
  readonly types: readonly avro.Type[];
}
interface Envelope {
  session_id: string;
  account_id: string | null;
  attributes: Record<string, string>;
  metric: { unwrap(): unknown } & Record<string, unknown>;
}

/**
 * Makes the reader for messages written with `writerSchema`: an envelope or one of the seven
 * metrics. It is made once for each schema id; making it costs milliseconds, using it about one
 * microsecond.
 *
 * @throws when the schema is not Avro that we can parse, or cannot be resolved to ours
 */
export function readerFor(writerSchema: unknown): SchemaReader {
  const writer = exactType(writerSchema) as RecordType;
  return { reader: readerOf(writer), writer: writer as WriterType };
}

function readerOf(writer: RecordType): Reader {
  if (writer.name === ENVELOPE) return envelopeReader(writer);
  const metricType = ownMetricType(writer.name);
  if (metricType !== undefined) return bareMetricReader(writer, metricType);
  const detail = `the schema is ${writer.name ?? writer.typeName}, not ${ENVELOPE} or one of its metrics`;
  return () => ({ kind: 'unknown_metric_type', detail });
}

function bareMetricReader(writer: RecordType, metricType: AgentMetrics['type']): Reader {
  const record = writer.name.slice(NAMESPACE.length + 1) as MetricRecordName;
  const type = exactType(loadMetricSchema(record)) as RecordType;
  markWithType(type, metricType);
  const resolver = type.createResolver(writer);
  return (bytes, start) => ({
    kind: 'event',
    sessionId: undefined,
    accountId: null,
    attributes: {},
    metric: readWhole(type, bytes, start, resolver) as AgentMetrics,
  });
}

/**
 * Avro resolves a union only when every branch of the writer's has its match in the reader's. A
 * newer writer may know metrics that we do not, and one strange branch must not cost the others:
 * so the reader's union is ours, with a type that fits for each branch that we cannot read: for a
 * record, one of its name without fields, which skips it. (The writer's own record would not do:
 * avsc resolves a record within it, such as Metadata, once for all branches, and not to ours.)
 * A message with such a branch is then told from the rest by the name of its branch.
 */
function envelopeReader(writer: RecordType): Reader {
  const schema = loadEnvelopeSchema();
  const ours = unionBranches(fieldType(exactType(schema) as RecordType, 'metric'));
  const branches = new Map(ours.map((type) => [branchNameOf(type), type]));
  const strangers = new Map<string, ReadEvent>();
  for (const theirs of unionBranches(fieldType(writer, 'metric'))) {
    const name = branchNameOf(theirs);
    const problem = whyNotReadable(name, theirs, branches.get(name));
    if (problem === undefined) continue;
    strangers.set(name, problem);
    branches.set(name, isRecord(theirs) ? exactType({ type: 'record', name, fields: [] }) : theirs);
  }
  for (const [name, type] of branches) {
    const metricType = strangers.has(name) ? undefined : ownMetricType(name);
    if (metricType !== undefined) markWithType(type as RecordType, metricType);
  }

  const reader = exactType({
    ...schema,
    fields: schema.fields.map((field) =>
      field.name === 'metric' ? { ...field, type: [...branches.values()] } : field,
    ),
  });
  const resolver = reader.createResolver(writer);

  return (bytes, start) => {
    const event = readWhole(reader, bytes, start, resolver) as Envelope;
    if (strangers.size > 0) {
      // A branch that is null is not wrapped.
      const name = event.metric === null ? 'null' : Object.keys(event.metric)[0];
      const stranger = strangers.get(name ?? '');
      if (stranger !== undefined) return stranger;
    }
    return {
      kind: 'event',
      sessionId: event.session_id,
      accountId: event.account_id,
      attributes: event.attributes,
      metric: event.metric.unwrap() as AgentMetrics,
    };
  };
}

/** As avsc's `fromBuffer`, without a view of the bytes for each message. */
function readWhole(
  type: avro.Type,
  bytes: Buffer,
  start: number,
  resolver: Parameters<avro.Type['decode']>[2],
): unknown {
  const { value, offset } = type.decode(bytes, start, resolver);
  if (offset < 0) throw new Error('truncated buffer');
  if (offset !== bytes.length) throw new Error('trailing data');
  return value;
}

function whyNotReadable(
  name: string,
  theirs: avro.Type,
  ours: avro.Type | undefined,
): ReadEvent | undefined {
  if (ours === undefined) {
    return {
      kind: 'unknown_metric_type',
      detail: `the metric is ${name}, which is not known here`,
    };
  }
  try {
    ours.createResolver(theirs);
    return undefined;
  } catch (error) {
    return { kind: 'undecodable', detail: `${name} cannot be read as ours: ${messageOf(error)}` };
  }
}

/** The metric's `type` is the branch of the union; it is put on the prototype, free of charge. */
function markWithType(type: RecordType, metricType: AgentMetrics['type']): void {
  Object.defineProperty(type.recordConstructor.prototype, 'type', { value: metricType });
}

/** The metric that a full record name stands for, when it is one of ours. */
function ownMetricType(fullName: string | undefined): AgentMetrics['type'] | undefined {
  if (!fullName?.startsWith(`${NAMESPACE}.`)) return undefined;
  return metricTypeOf(fullName.slice(NAMESPACE.length + 1));
}

function isRecord(type: avro.Type): boolean {
  return type.typeName === 'record' || type.typeName === 'error';
}

function branchNameOf(type: avro.Type): string {
  return type.branchName ?? type.typeName;
}

function fieldType(record: RecordType, name: string): avro.Type {
  const field = record.fields.find((candidate) => candidate.name === name);
  if (field === undefined) throw new Error(`${record.name} has no field "${name}"`);
  return field.type;
}

function unionBranches(type: avro.Type): readonly avro.Type[] {
  return type.typeName.startsWith('union:') ? (type as UnionType).types : [type];
}
