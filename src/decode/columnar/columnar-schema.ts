import { ENVELOPE } from '../../schemas/metric-records.ts';
import type { SchemaEntry } from '../avro/schema-cache.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { FastReader } from './fast-reader.ts';
import { type HeadField, headFieldsOf } from './head.ts';
import { LAYOUTS } from './layout.ts';
import { Names } from './names.ts';

/** What the fast path knows of a writer's schema: an envelope or one of the metrics alone. */
export class FastWriter {
  /** `undefined`: there is no envelope, and the session is told beside the metric. */
  readonly #headFields: readonly HeadField[] | undefined;
  readonly #metrics: readonly WriterType[];
  #reader: FastReader | undefined;
  #names: Names | undefined;

  private constructor(
    headFields: readonly HeadField[] | undefined,
    metrics: readonly WriterType[],
  ) {
    this.#headFields = headFields;
    this.#metrics = metrics;
  }

  /** `undefined`: no message of this writer is usual. */
  static of(writer: WriterType): FastWriter | undefined {
    if (LAYOUTS.has(writer.name ?? '')) return new FastWriter(undefined, [writer]);
    if (writer.name !== ENVELOPE) return undefined;
    const fields = writer.fields ?? [];
    const metric = fields.at(-1);
    const headFields = headFieldsOf(fields.slice(0, -1));
    if (metric?.name !== 'metric' || headFields === undefined) return undefined;
    return new FastWriter(headFields, metric.type.types ?? []);
  }

  get hasEnvelope(): boolean {
    return this.#headFields !== undefined;
  }

  get reader(): FastReader {
    this.#reader ??= new FastReader(this.#headFields, this.#metrics);
    return this.#reader;
  }

  get names(): Names {
    this.#names ??= new Names(this.#headFields, this.#metrics);
    return this.#names;
  }
}

const writers = new WeakMap<SchemaEntry, FastWriter | 'none'>();
/** Nearly every message asks for the same as the one before it. */
let lastEntry: SchemaEntry | undefined;
let lastWriter: FastWriter | undefined;

/** The fast path of a schema, made when it is first asked for. */
export function fastWriterOf(entry: SchemaEntry): FastWriter | undefined {
  if (entry !== lastEntry) {
    lastWriter = find(entry);
    lastEntry = entry;
  }
  return lastWriter;
}

function find(entry: SchemaEntry): FastWriter | undefined {
  let writer = writers.get(entry);
  if (writer === undefined) {
    writer = (entry.reader && FastWriter.of(entry.writer)) ?? 'none';
    writers.set(entry, writer);
  }
  return writer === 'none' ? undefined : writer;
}
