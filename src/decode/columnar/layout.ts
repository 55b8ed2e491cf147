import { canonicalPlan, type FieldPlan, TAG } from '../../identify/canonical-form.ts';
import { BILLED_FIELDS } from '../../livekit/usage-of.ts';
import type { AvroRecordSchema, AvroSchema } from '../../schemas/avro-schema.ts';
import { loadMetricSchema } from '../../schemas/load.ts';
import { METRIC_RECORDS, type MetricType } from '../../schemas/metric-records.ts';

export type FieldKind = 'double' | 'long' | 'boolean' | 'string' | 'record';

/** A field of one of our metrics, and the register that its value is read into. */
export interface Field {
  readonly register: number;
  readonly kind: FieldKind;
  /** Whether it may be null. */
  readonly isOptional: boolean;
  /** `undefined`: the writer must give it. */
  readonly fallback: unknown;
  /** Of a record: its full name. */
  readonly recordName: string | undefined;
  /** Of a record. */
  readonly fields: ReadonlyMap<string, Field>;
}

/** Bytes that are often copied, in words of four, padded at the end. */
export interface Words {
  readonly words: Int32Array;
  readonly bytes: number;
}

/**
 * A step of writing the canonical form from registers. A record is its own step, then the steps of its
 * fields, then one with the tag `END`.
 */
export interface FormStep {
  readonly tag: number;
  readonly register: number;
  readonly fallback: unknown;
  /** Length and bytes of the name. */
  readonly prefix: Words;
  /** Of a record: how many steps to skip when it is null. */
  readonly steps: number;
}

export const END = 0;

const END_STEP: FormStep = {
  tag: END,
  register: 0,
  fallback: undefined,
  prefix: { words: new Int32Array(0), bytes: 0 },
  steps: 0,
};

/** The fields of one metric and their registers, numbered in the order of our schema. */
export interface Layout {
  readonly type: MetricType;
  readonly recordName: string;
  readonly fields: ReadonlyMap<string, Field>;
  readonly registers: number;
  /** How the canonical form begins; of a metric that is not billed, there is none. */
  readonly formStart: Words;
  readonly form: readonly FormStep[];
}

/** By the full name of the metric's record. A report has an array, and comes once in a session. */
export const LAYOUTS: ReadonlyMap<string, Layout> = new Map(
  METRIC_RECORDS.filter(({ type }) => type !== 'session_usage_report').map(({ record, type }) => {
    const layout = layoutOf(type, loadMetricSchema(record));
    return [layout.recordName, layout];
  }),
);

/** The register of a field, by its path: `metadata.model_name`. */
export function registerAt({ fields, type }: Layout, path: string): number {
  let field: Field | undefined;
  let among = fields;
  for (const name of path.split('.')) {
    field = among.get(name);
    if (field === undefined) throw new Error(`${type} has no field ${path}`);
    among = field.fields;
  }
  return field?.register ?? -1;
}

function layoutOf(type: MetricType, schema: AvroRecordSchema): Layout {
  const records = new Map<string, AvroRecordSchema>();
  let registers = 0;
  const fieldsOf = (record: AvroRecordSchema): ReadonlyMap<string, Field> =>
    new Map(
      record.fields.map((field): [string, Field] => {
        const isOptional = Array.isArray(field.type);
        const inner = isOptional ? (field.type as AvroSchema[])[1] : field.type;
        const known = recordOf(inner, records);
        const register = registers++;
        if (typeof field.default === 'string' && field.default !== '') {
          throw new Error(
            `${field.name}: the columnar decoder has no text but the empty one as default`,
          );
        }
        return [
          field.name,
          {
            register,
            kind: known === undefined ? (inner as FieldKind) : 'record',
            isOptional,
            fallback: field.default,
            recordName: known && fullName(known),
            fields: known === undefined ? new Map() : fieldsOf(known),
          },
        ];
      }),
    );
  const fields = fieldsOf(schema);
  const form = type in BILLED_FIELDS ? formOf(canonicalPlan(type), fields) : [];
  return {
    type,
    recordName: fullName(schema),
    fields,
    registers,
    formStart: formStart(type),
    form,
  };
}

function recordOf(
  schema: AvroSchema | undefined,
  records: Map<string, AvroRecordSchema>,
): AvroRecordSchema | undefined {
  if (typeof schema === 'string') return records.get(schema);
  if (schema === undefined || Array.isArray(schema) || schema.type !== 'record') return undefined;
  records.set(fullName(schema), schema);
  return schema;
}

function fullName({ namespace, name }: AvroRecordSchema): string {
  return `${namespace}.${name}`;
}

/** How the fields of a plan are written from their registers. */
export function formOf(plan: readonly FieldPlan[], fields: ReadonlyMap<string, Field>): FormStep[] {
  const steps = plan.flatMap(({ name, tag, fallback, prefix, fields: inner }): FormStep[] => {
    const field = fields.get(name);
    if (field === undefined) throw new Error(`the canonical form has a field ${name} of its own`);
    const within = tag === TAG.record ? formOf(inner, field.fields) : [];
    const { register } = field;
    return [{ tag, register, fallback, prefix: wordsOf(prefix), steps: within.length }, ...within];
  });
  return [...steps, END_STEP];
}

/** The type, as the canonical form writes texts. */
function formStart(type: MetricType): Words {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(type.length);
  return wordsOf(Buffer.concat([length, Buffer.from(type, 'latin1')]));
}

function wordsOf(bytes: Buffer): Words {
  const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4);
  bytes.copy(padded);
  const words = Int32Array.from({ length: padded.length / 4 }, (_, i) => padded.readInt32LE(i * 4));
  return { words, bytes: bytes.length };
}
