import type { Arena } from '../bytes/arena.ts';
import { measuredFieldsOf } from '../livekit/measured-fields.ts';
import { BILLED_FIELDS } from '../livekit/usage-of.ts';
import { METRIC_RECORDS, type MetricType } from '../schemas/metric-records.ts';

/**
 * What the fast path read of the records of a block, in columns: plain data that can be sent from
 * thread to thread. A place is an offset from the first byte of the record's value.
 */
export interface Columns {
  /** For each record the number of its metric, see `kindOf`; `NOT_READ`: it was declined. */
  readonly kinds: Uint8Array;
  /** For each record: what `PLACE` names. */
  readonly places: Uint16Array;
  /** Microseconds since 1970. */
  readonly eventUs: Float64Array;
  /** The four words of the identity. */
  readonly identities: Int32Array;
  /** For each record that is billed or measures something, where its values begin in `values`. */
  readonly valuesAt: Int32Array;
  /** The billed values of a record (`usageValues`), then what it measures (`measuredValues`). */
  readonly values: Float64Array;
  /**
   * For each record the number of its head, the same for heads of the same bytes in this block; `NO_NUMBER`:
   * it has none.
   */
  readonly heads: Uint16Array;
  /** The same of its metadata. */
  readonly models: Uint16Array;
}

export const NOT_READ = 0;
export const NO_NUMBER = 0xffff;
const TYPES: readonly (MetricType | undefined)[] = [
  undefined,
  ...METRIC_RECORDS.map(({ type }) => type),
];

export function kindOf(type: MetricType): number {
  return TYPES.indexOf(type);
}

/** @param kind not `NOT_READ` */
export function typeOf(kind: number): MetricType {
  return TYPES[kind] as MetricType;
}

const BILLED = TYPES.map((type) => type !== undefined && type in BILLED_FIELDS);

/** @param kind not `NOT_READ` */
export function isBilled(kind: number): boolean {
  return BILLED[kind] as boolean;
}

const MEASURED = TYPES.map((type) => type !== undefined && measuredFieldsOf(type).length > 0);

/** @param kind not `NOT_READ` */
export function isMeasured(kind: number): boolean {
  return MEASURED[kind] as boolean;
}

/** Places of one record, and which is which. */
export const PLACES = 5;
export const PLACE = {
  headEnd: 0,
  /** 0: it is null. */
  metadataStart: 1,
  metadataEnd: 2,
  requestId: 3,
  requestIdLength: 4,
} as const;
export const IDENTITY_WORDS = 4;

/** Of simulated calls, a record has between five values and six. */
const VALUES_EXPECTED = 6;

/** What has a number in each block; `ColumnsWriter.numberOf` keeps it up to date. */
export interface Numbered {
  block: number;
  number: number;
}

/** How many blocks were written. */
let blocks = 0;

/** The columns of a block while they are written. */
export class ColumnsWriter {
  readonly kinds: Uint8Array;
  readonly places: Uint16Array;
  readonly eventUs: Float64Array;
  readonly identities: Int32Array;
  readonly valuesAt: Int32Array;
  readonly heads: Uint16Array;
  readonly models: Uint16Array;
  #values: Float64Array;
  #end = 0;
  readonly #block = blocks++;
  #numbers = 0;

  /** @param size how many records the block has */
  constructor(size: number, arena: Arena) {
    // Of a declined record, and of a field that is null, nothing is written to these two.
    this.kinds = arena.uint8(size).fill(NOT_READ);
    this.places = arena.uint16(size * PLACES).fill(0);
    this.eventUs = arena.float64(size);
    this.identities = arena.int32(size * IDENTITY_WORDS);
    this.valuesAt = arena.int32(size);
    this.heads = arena.uint16(size).fill(NO_NUMBER);
    this.models = arena.uint16(size).fill(NO_NUMBER);
    this.#values = arena.float64(size * VALUES_EXPECTED);
  }

  /** The number of something in this block. */
  numberOf(what: Numbered): number {
    if (what.block !== this.#block) {
      what.block = this.#block;
      what.number = this.#numbers === NO_NUMBER ? NO_NUMBER : this.#numbers++;
    }
    return what.number;
  }

  /** The values that follow are those of record `index`. */
  beginValues(index: number): void {
    this.valuesAt[index] = this.#end;
  }

  value(value: number): void {
    if (this.#end === this.#values.length) {
      const larger = new Float64Array(this.#end * 2 + VALUES_EXPECTED);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values[this.#end++] = value;
  }

  finish(): Columns {
    const { kinds, places, eventUs, identities, valuesAt, heads, models } = this;
    const values = this.#values.subarray(0, this.#end);
    return { kinds, places, eventUs, identities, valuesAt, values, heads, models };
  }
}
