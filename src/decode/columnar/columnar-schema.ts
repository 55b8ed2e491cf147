import { ENVELOPE } from '../../schemas/metric-records.ts';
import type { SchemaEntry } from '../avro/schema-cache.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { ColumnReader } from './column-reader.ts';
import { type HeadField, headFieldsOf } from './head.ts';
import { LAYOUTS } from './layout.ts';
import { Names } from './names.ts';

/** How the records of a writer's schema are read here: an envelope, or one of the metrics alone. */
export class ColumnarSchema {
  /** `undefined`: there is no envelope, and the record's key or a header names the session. */
  readonly #headFields: readonly HeadField[] | undefined;
  readonly #metrics: readonly WriterType[];
  #reader: ColumnReader | undefined;
  #names: Names | undefined;

  private constructor(
    headFields: readonly HeadField[] | undefined,
    metrics: readonly WriterType[],
  ) {
    this.#headFields = headFields;
    this.#metrics = metrics;
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

  get hasEnvelope(): boolean {
    return this.#headFields !== undefined;
  }

  get reader(): ColumnReader {
    this.#reader ??= new ColumnReader(this.#headFields, this.#metrics);
    return this.#reader;
  }

  get names(): Names {
    this.#names ??= new Names(this.#headFields, this.#metrics);
    return this.#names;
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
