import type { BillableMetric } from '../../livekit/usage-of.ts';
import {
  type Columns,
  IDENTITY_WORDS,
  isMeasured,
  PLACE,
  PLACES,
  typeOf,
} from '../../records/columns.ts';
import type { ConsumedRecord } from '../../records/consumed-record.ts';
import type {
  BillableMessage,
  IgnoredMessage,
  MeasuredValues,
  TextSink,
} from '../../records/message.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { schemaIdOf } from '../../records/wire-format.ts';
import type { Head } from './head.ts';
import type { Model } from './names.ts';

/**
 * A message that reads nearly everything from its block when asked for: thousands of them wait in memory for their
 * transaction, and the garbage collector copies each. Reading them after the block was released throws.
 */
class ColumnMessage {
  protected readonly block: RecordBlock;
  protected readonly index: number;
  readonly #head: Head;

  constructor(block: RecordBlock, index: number, head: Head) {
    this.block = block;
    this.index = index;
    this.#head = head;
  }
  protected get columns(): Columns {
    return this.block.columns as Columns;
  }
  get offset(): number {
    return this.block.offsetAt(this.index);
  }
  get timestamp(): number {
    return this.block.timestampAt(this.index);
  }
  get eventUs(): number {
    return this.columns.eventUs[this.index] as number;
  }
  get record(): ConsumedRecord {
    return this.block.recordAt(this.index);
  }
  get sessionId(): string {
    return this.#head.sessionId;
  }
  get accountId(): string | null {
    return this.#head.accountId;
  }
  get attributes(): Head['attributes'] {
    return this.#head.attributes;
  }
}

/** The block must have its columns. */
export class ColumnIgnored extends ColumnMessage implements IgnoredMessage {
  get kind(): 'ignored' {
    return 'ignored';
  }
  get session(): this {
    return this;
  }
  get measured(): MeasuredValues | undefined {
    const { kinds, values, valuesAt } = this.columns;
    const kind = kinds[this.index] as number;
    if (!isMeasured(kind)) return undefined;
    return { metricType: typeOf(kind), values, valuesFrom: valuesAt[this.index] as number };
  }
}

/** The block must have its columns. */
export class ColumnBillable extends ColumnMessage implements BillableMessage {
  readonly #model: Model;
  /** Copied: the ledger identifies a message of an older session by the rule of that session. */
  readonly identityHigh: number;
  readonly identityLow: number;
  readonly fingerprintHigh: number;
  readonly fingerprintLow: number;

  constructor(block: RecordBlock, index: number, head: Head, model: Model) {
    super(block, index, head);
    const { identities } = this.columns;
    this.#model = model;
    const at = index * IDENTITY_WORDS;
    this.identityHigh = identities[at] as number;
    this.identityLow = identities[at + 1] as number;
    this.fingerprintHigh = identities[at + 2] as number;
    this.fingerprintLow = identities[at + 3] as number;
  }
  get kind(): 'billable' {
    return 'billable';
  }
  get metricType(): BillableMetric['type'] {
    return typeOf(this.columns.kinds[this.index] as number) as BillableMetric['type'];
  }
  get valuesFrom(): number {
    return this.columns.valuesAt[this.index] as number;
  }
  get values(): Float64Array {
    return this.columns.values;
  }
  get schemaId(): number {
    return schemaIdOf(this.block.memory.bytes, this.block.valueStartAt(this.index)) as number;
  }
  get provider(): string {
    return this.#model.provider;
  }
  get model(): string {
    return this.#model.model;
  }
  get requestId(): string | null {
    const start = this.#requestIdStart();
    if (start === -1) return null;
    return this.block.memory.bytes.toString('latin1', start, start + this.#requestIdLength());
  }
  writeRequestId(to: TextSink): void {
    const start = this.#requestIdStart();
    if (start === -1) to.null();
    else to.textFrom(this.block.memory, start, start + this.#requestIdLength());
  }
  /** -1: there is none. */
  #requestIdStart(): number {
    const at = this.columns.places[this.index * PLACES + PLACE.requestId] as number;
    return at === 0 ? -1 : this.block.valueStartAt(this.index) + at;
  }
  #requestIdLength(): number {
    return this.columns.places[this.index * PLACES + PLACE.requestIdLength] as number;
  }
}
