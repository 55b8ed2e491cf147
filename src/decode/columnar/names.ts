import { ByteMemo } from '../../bytes/byte-memo.ts';
import type { ByteView } from '../../bytes/byte-view.ts';
import { NAMESPACE } from '../../schemas/metric-records.ts';
import type { WriterType } from '../avro/writer-type.ts';
import { type Head, type HeadField, headOfSessionId, readHead } from './head.ts';
import { LAYOUTS, registerAt } from './layout.ts';
import { compile } from './program.ts';
import { Registers } from './registers.ts';

/** Provider and model as the emitter names them; empty when it does not name them. */
export interface Model {
  readonly provider: string;
  readonly model: string;
}

export const NO_MODEL: Model = { provider: '', model: '' };
/** A few hundred bytes for each live session. */
export const HEADS = { maxEntries: 8_192, maxBytes: 4 * 1_048_576 };
/** About what an attribute takes as a property of an object, however few bytes it has. */
const ATTRIBUTE_BYTES = 100;
export const MODELS = { maxEntries: 1_024, maxBytes: 131_072 };
const METADATA = `${NAMESPACE}.Metadata`;

/** The names in the records of one writer. They repeat, and are decoded once for the same bytes. */
export class Names {
  readonly #heads: ByteMemo<Head | null>;
  readonly #models: ByteMemo<Model>;

  /**
   * @param headFields `undefined`: there is no envelope, and a head is the id of a session
   * @param metrics the branches of the writer's union, or its only metric
   */
  constructor(headFields: readonly HeadField[] | undefined, metrics: readonly WriterType[]) {
    const read: ConstructorParameters<typeof ByteMemo<Head | null>>[0] =
      headFields === undefined
        ? headOfSessionId
        : (memory, start) => readHead(memory, start, headFields);
    this.#heads = new ByteMemo(read, HEADS, bytesOfHead);
    this.#models = new ByteMemo(modelReader(metrics), MODELS);
  }

  /** The head from `start` to `end`; `null`: it is declined. */
  head(memory: ByteView, start: number, end: number): Head | null {
    return this.#heads.get(memory, start, end);
  }

  /** What the metadata from `start` to `end` names. */
  model(memory: ByteView, start: number, end: number): Model {
    return this.#models.get(memory, start, end);
  }
}

function bytesOfHead(head: Head | null): number {
  let bytes = 0;
  for (const _ in head?.attributes) bytes += ATTRIBUTE_BYTES;
  return bytes;
}

/** Avro defines a record once: the metadata of all metrics have the same schema. */
function modelReader(
  metrics: readonly WriterType[],
): (memory: ByteView, start: number, end: number) => Model {
  for (const metric of metrics) {
    const layout = LAYOUTS.get(metric.name ?? '');
    const field = layout?.fields.get('metadata');
    const writer = metadataOf(metric);
    if (layout === undefined || field === undefined || writer === undefined) continue;
    const program = compile(writer, field, true);
    if (program === undefined) continue;
    const provider = registerAt(layout, 'metadata.model_provider');
    const model = registerAt(layout, 'metadata.model_name');
    const registers = new Registers(layout.registers);
    return (memory, start, end) => {
      program.read(memory, start, end, registers);
      return {
        provider: textIn(memory, registers, provider),
        model: textIn(memory, registers, model),
      };
    };
  }
  return () => NO_MODEL;
}

function metadataOf({ fields = [] }: WriterType): WriterType | undefined {
  const union = fields.find(({ name }) => name === 'metadata')?.type;
  return union?.types?.find(({ name }) => name === METADATA);
}

/** The text of a register; null becomes empty. */
function textIn({ bytes }: ByteView, { starts, lengths }: Registers, register: number): string {
  const start = starts[register] as number;
  return bytes.toString('latin1', start, start + Math.max(lengths[register] as number, 0));
}
