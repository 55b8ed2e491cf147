import { ENVELOPE } from '../../schemas/metric-records.ts';
import type { SchemaEntry } from '../avro/schema-cache.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { ColumnReader } from './column-reader.ts';
import { type HeadField, headFieldsOf } from './head.ts';
import { LAYOUTS } from './layout.ts';
import { Names } from './names.ts';

/** How the records of a writer's schema are read here: an envelope, or one of the metrics alone. */
export class ColumnarSchema {
  /** False: the record's key or a header names the session. */
  readonly hasEnvelope: boolean;
  readonly reader: ColumnReader;
  readonly names: Names;

  private constructor(
    headFields: readonly HeadField[] | undefined,
    metrics: readonly WriterType[],
  ) {
    this.hasEnvelope = headFields !== undefined;
    this.reader = new ColumnReader(headFields, metrics);
    this.names = new Names(headFields, metrics);
  }

  /** `undefined`: all records of this writer are declined. */
  static of(writer: WriterType): ColumnarSchema | undefined {
    if (LAYOUTS.has(writer.name ?? '')) return new ColumnarSchema(undefined, [writer]);
    if (writer.name !== ENVELOPE) return undefined;
    const fields = writer.fields ?? [];
    const metric = fields.at(-1);
    const headFields = headFieldsOf(fields.slice(0, -1));
    if (metric?.name !== 'metric' || headFields === undefined) return undefined;
    return new ColumnarSchema(headFields, metric.type.types ?? []);
  }
}

/** Compiled once for each schema, when its first record arrives. */
const compiled = new WeakMap<SchemaEntry, ColumnarSchema | 'none'>();

/** `undefined`: all records of this schema are declined. */
export function columnarSchemaOf(entry: SchemaEntry): ColumnarSchema | undefined {
  let schema = compiled.get(entry);
  if (schema === undefined) {
    schema = (entry.reader && ColumnarSchema.of(entry.writer)) ?? 'none';
    compiled.set(entry, schema);
  }
  return schema === 'none' ? undefined : schema;
}
