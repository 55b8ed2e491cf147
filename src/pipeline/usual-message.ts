import { readAhead } from '../consume/read-ahead.ts';
import type { RecordBlock } from '../consume/record-block.ts';
import type { ConsumedRecord } from '../decode/consumed-record.ts';
import type { SchemaCache } from '../decode/schema-cache.ts';
import { HEADER_BYTES, schemaIdOf } from '../decode/wire-format.ts';
import {
  type Columns,
  IDENTITY_WORDS,
  NOT_READ,
  PLACE,
  PLACES,
  typeOf,
} from '../fast-path/columns.ts';
import type { Head } from '../fast-path/head.ts';
import { type Model, type Names, NO_MODEL } from '../fast-path/names.ts';
import { type FastWriter, fastWriterOf } from '../fast-path/writer.ts';
import type { BinaryValues } from '../ledger/binary-values.ts';
import type { BillableMessage, IgnoredMessage } from '../ledger/message.ts';
import { type BillableMetric, PLACES_OF } from '../metrics/usage-of.ts';

/**
 * What the fast path makes of a record; `undefined`: it is for the careful one.
 *
 * @param schemas knows the schema ids of the block
 */
export function usualMessage(
  block: RecordBlock,
  index: number,
  schemas: SchemaCache,
): BillableMessage | IgnoredMessage | undefined {
  const columns = block.columns ?? readAhead(block, (id) => fastPathOf(schemas, id)?.reader);
  block.columns = columns;
  const { memory } = block;
  const kind = columns.kinds[index] as number;
  if (kind === NOT_READ) return undefined;
  const start = block.valueStartAt(index);
  const schemaId = schemaIdOf(memory.bytes, start) as number;
  const writer = fastPathOf(schemas, schemaId);
  if (writer === undefined) return undefined;
  const { names } = writer;
  const { places } = columns;
  const place = index * PLACES;
  const headEnd = start + (places[place + PLACE.headEnd] as number);
  const head = writer.hasEnvelope
    ? names.head(memory, start + HEADER_BYTES, headEnd)
    : headOfKey(block, index, names);
  if (head === null) return undefined;
  const type = typeOf(kind) as BillableMetric['type'];
  if (PLACES_OF[type] === undefined) return new UsualIgnored(block, index, head);
  const metadata = places[place + PLACE.metadataStart] as number;
  const metadataEnd = start + (places[place + PLACE.metadataEnd] as number);
  const model = metadata === 0 ? NO_MODEL : names.model(memory, start + metadata, metadataEnd);
  return new UsualBillable(block, index, head, model);
}

/** A header may name the session too: that is for the careful path. */
function headOfKey(block: RecordBlock, index: number, names: Names): Head | null {
  const start = block.keyStartAt(index);
  const length = block.keyLengthAt(index);
  return length <= 0 || block.hasHeaders(index)
    ? null
    : names.head(block.memory, start, start + length);
}

function fastPathOf(schemas: SchemaCache, schemaId: number): FastWriter | undefined {
  const entry = schemas.get(schemaId);
  return entry && fastWriterOf(entry);
}

/** A message that is read out of its columns when it is asked: thousands of them wait in memory. */
class UsualMessage {
  protected readonly block: RecordBlock;
  protected readonly index: number;
  readonly #head: Head;

  constructor(block: RecordBlock, index: number, head: Head) {
    this.block = block;
    this.index = index;
    this.#head = head;
  }
  /** The block has them: a message was made of them. */
  protected get columns(): Columns {
    return this.block.columns as Columns;
  }
  get record(): ConsumedRecord {
    return this.block.recordAt(this.index);
  }
  get offset(): number {
    return this.block.offsetAt(this.index);
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
  get eventUs(): number {
    return this.columns.eventUs[this.index] as number;
  }
}

class UsualIgnored extends UsualMessage implements IgnoredMessage {
  get kind(): 'ignored' {
    return 'ignored';
  }
  get session(): this {
    return this;
  }
}

class UsualBillable extends UsualMessage implements BillableMessage {
  readonly #model: Model;

  constructor(block: RecordBlock, index: number, head: Head, model: Model) {
    super(block, index, head);
    this.#model = model;
  }
  get metricType(): BillableMetric['type'] {
    return typeOf(this.columns.kinds[this.index] as number) as BillableMetric['type'];
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
  writeRequestId(to: BinaryValues): void {
    const start = this.#requestIdStart();
    if (start === -1) to.null();
    else to.textFrom(this.block.memory.bytes, start, start + this.#requestIdLength());
  }
  /** -1: there is none. */
  #requestIdStart(): number {
    const at = this.columns.places[this.index * PLACES + PLACE.requestId] as number;
    return at === 0 ? -1 : this.block.valueStartAt(this.index) + at;
  }
  #requestIdLength(): number {
    return this.columns.places[this.index * PLACES + PLACE.requestIdLength] as number;
  }
  valueAt(column: number): number {
    const { valuesAt, values } = this.columns;
    return values[(valuesAt[this.index] as number) + column] as number;
  }
  get identityHigh(): number {
    return this.#word(0);
  }
  get identityLow(): number {
    return this.#word(1);
  }
  get fingerprintHigh(): number {
    return this.#word(2);
  }
  get fingerprintLow(): number {
    return this.#word(3);
  }
  #word(at: number): number {
    return this.columns.identities[this.index * IDENTITY_WORDS + at] as number;
  }
}
