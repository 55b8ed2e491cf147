import { givenBack } from '../../bytes/given-back.ts';
import type { BillableMetric } from '../../livekit/usage-of.ts';
import { type Columns, IDENTITY_WORDS, PLACE, PLACES, typeOf } from '../../records/columns.ts';
import type { ConsumedRecord } from '../../records/consumed-record.ts';
import type { BillableMessage, IgnoredMessage, Message, TextSink } from '../../records/message.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { schemaIdOf } from '../../records/wire-format.ts';
import type { Head } from './head.ts';
import type { Model } from './names.ts';

/** Of each sort; about as many are in memory when a backlog waits. */
const MAX_SPARE = 65_536;
const GIVEN_BACK = 'a message';
const NO_BLOCK = givenBack<RecordBlock>(GIVEN_BACK);
const NO_HEAD = givenBack<Head>(GIVEN_BACK);
const UNNAMED = givenBack<Model>(GIVEN_BACK);
const NO_VALUES = givenBack<Float64Array>(GIVEN_BACK);

/**
 * A message that is filled anew for another record when its batch is booked: thousands of them wait
 * in memory, and made anew each time, they would outlive the collector's nursery. What is asked of
 * it many times it holds; what is asked of few, it reads out of its block.
 */
class ColumnMessage {
  protected block = NO_BLOCK;
  protected index = 0;
  protected head = NO_HEAD;
  offset = 0;
  eventUs = Number.NaN;

  begin(block: RecordBlock, index: number, head: Head): void {
    this.block = block;
    this.index = index;
    this.head = head;
    this.offset = block.offsetAt(index);
    this.eventUs = (block.columns as Columns).eventUs[index] as number;
  }
  /** Lets go of what it was made of: to read that is an error until it is filled again. */
  clear(): void {
    this.block = NO_BLOCK;
    this.head = NO_HEAD;
  }
  get record(): ConsumedRecord {
    return this.block.recordAt(this.index);
  }
  get sessionId(): string {
    return this.head.sessionId;
  }
  get accountId(): string | null {
    return this.head.accountId;
  }
  get attributes(): Head['attributes'] {
    return this.head.attributes;
  }
}

class ColumnIgnored extends ColumnMessage implements IgnoredMessage {
  get kind(): 'ignored' {
    return 'ignored';
  }
  get session(): this {
    return this;
  }
}

class ColumnBillable extends ColumnMessage implements BillableMessage {
  #model = UNNAMED;
  metricType: BillableMetric['type'] = 'llm_metrics';
  values = NO_VALUES;
  valuesFrom = 0;
  identityHigh = 0;
  identityLow = 0;
  fingerprintHigh = 0;
  fingerprintLow = 0;

  fill(block: RecordBlock, index: number, head: Head, model: Model): void {
    this.begin(block, index, head);
    const { kinds, identities, values, valuesAt } = block.columns as Columns;
    this.#model = model;
    this.metricType = typeOf(kinds[index] as number) as BillableMetric['type'];
    this.values = values;
    this.valuesFrom = valuesAt[index] as number;
    const at = index * IDENTITY_WORDS;
    this.identityHigh = identities[at] as number;
    this.identityLow = identities[at + 1] as number;
    this.fingerprintHigh = identities[at + 2] as number;
    this.fingerprintLow = identities[at + 3] as number;
  }
  override clear(): void {
    super.clear();
    this.#model = UNNAMED;
    this.values = NO_VALUES;
  }
  get kind(): 'billable' {
    return 'billable';
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
    const { places } = this.block.columns as Columns;
    const at = places[this.index * PLACES + PLACE.requestId] as number;
    return at === 0 ? -1 : this.block.valueStartAt(this.index) + at;
  }
  #requestIdLength(): number {
    const { places } = this.block.columns as Columns;
    return places[this.index * PLACES + PLACE.requestIdLength] as number;
  }
}

/** Messages that wait to be filled anew. */
class Spare<T> {
  readonly #messages: T[] = [];
  #count = 0;

  take(): T | undefined {
    if (this.#count === 0) return undefined;
    this.#count -= 1;
    return this.#messages[this.#count];
  }

  /** What is too many is left to the collector. */
  give(message: T): void {
    if (this.#count === MAX_SPARE) return;
    this.#messages[this.#count] = message;
    this.#count += 1;
  }
}

const spareIgnored = new Spare<ColumnIgnored>();
const spareBillable = new Spare<ColumnBillable>();

/** @param block has been read: its columns are there */
export function ignoredOf(block: RecordBlock, index: number, head: Head): IgnoredMessage {
  const message = spareIgnored.take() ?? new ColumnIgnored();
  message.begin(block, index, head);
  return message;
}

/** @param block has been read: its columns are there */
export function billableOf(
  block: RecordBlock,
  index: number,
  head: Head,
  model: Model,
): BillableMessage {
  const message = spareBillable.take() ?? new ColumnBillable();
  message.fill(block, index, head, model);
  return message;
}

/** Takes back messages that nobody looks at any more. */
export function giveBack(messages: readonly Message[]): void {
  for (const message of messages) {
    if (message instanceof ColumnBillable) {
      message.clear();
      spareBillable.give(message);
    } else if (message instanceof ColumnIgnored) {
      message.clear();
      spareIgnored.give(message);
    }
  }
}
