import type { BillableMetric } from '../../identify/identity.ts';
import {
  type Columns,
  isBilled,
  NO_NUMBER,
  NOT_READ,
  PLACE,
  PLACES,
} from '../../records/columns.ts';
import type { BillableMessage, IgnoredMessage, Message } from '../../records/message.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { HEADER_BYTES, schemaIdOf } from '../../records/wire-format.ts';
import type { SchemaEntries } from '../avro/schema-cache.ts';
import type { MessageDecoder } from '../message-decoder.ts';
import { ColumnBillable, ColumnIgnored } from './column-messages.ts';
import { type ColumnarSchema, columnarSchemaOf } from './columnar-schema.ts';
import type { Head } from './head.ts';
import { type Model, type Names, NO_MODEL } from './names.ts';
import { readAhead } from './read-ahead.ts';

/**
 * The fast path: makes messages from the columns of a block, which `readAhead` fills, on the receiver
 * thread or here. A record that needs more than columns can hold is declined: it is left to the
 * reference, and with that every dead letter.
 *
 * A writer's schema is compiled once, to a `ColumnarSchema`. Its `ColumnReader` finds the end of the
 * head (`head.ts`), reads the metric into registers (`program.ts`), hashes its canonical form
 * (`form.ts`) and writes the columns. The bytes of session, provider and model repeat from record to record:
 * they have numbers within a block, and its `Names` decode each number once, when a message is made.
 */
export class ColumnarDecoder implements MessageDecoder {
  readonly #schemas: SchemaEntries;
  readonly #reference: MessageDecoder;
  /** The schema of the record before, which is nearly always that of the next one. */
  #lastId: number | undefined;
  #lastSchema: ColumnarSchema | undefined;
  /** The block of the record before, and by their number in it, what its heads and metadata say. */
  #block: RecordBlock | undefined;
  #heads: (Head | null | undefined)[] = [];
  #models: (Model | undefined)[] = [];

  /**
   * @param schemas of all schema ids of the records
   * @param reference decodes the records that are declined here
   */
  constructor(schemas: SchemaEntries, reference: MessageDecoder) {
    this.#schemas = schemas;
    this.#reference = reference;
  }

  decode(block: RecordBlock, index: number): Message {
    return this.tryDecode(block, index) ?? this.#reference.decode(block, index);
  }

  metricOf(message: BillableMessage): BillableMetric {
    return this.#reference.metricOf(message);
  }

  /** `undefined`: the record is declined. */
  tryDecode(block: RecordBlock, index: number): BillableMessage | IgnoredMessage | undefined {
    const columns = block.columns ?? this.#readAhead(block);
    const kind = columns.kinds[index] as number;
    if (kind === NOT_READ) return undefined;
    if (block !== this.#block) {
      this.#block = block;
      this.#heads = [];
      this.#models = [];
    }
    const number = columns.heads[index] as number;
    let head = number === NO_NUMBER ? undefined : this.#heads[number];
    if (head === undefined) {
      head = this.#headOf(block, index, columns);
      if (head === undefined) return undefined;
      if (number !== NO_NUMBER) this.#heads[number] = head;
    }
    if (head === null) return undefined;
    if (!isBilled(kind)) return new ColumnIgnored(block, index, head);
    return new ColumnBillable(block, index, head, this.#modelOf(block, index, columns));
  }

  /** `null`: the record is declined; `undefined`: its schema is not known. */
  #headOf(block: RecordBlock, index: number, columns: Columns): Head | null | undefined {
    const start = block.valueStartAt(index);
    const schema = this.#schemaOf(schemaIdOf(block.memory.bytes, start) as number);
    if (schema === undefined) return undefined;
    if (!schema.hasEnvelope) return headOfKey(block, index, schema.names);
    const end = start + (columns.places[index * PLACES + PLACE.headEnd] as number);
    return schema.names.head(block.memory, start + HEADER_BYTES, end);
  }

  #modelOf(block: RecordBlock, index: number, columns: Columns): Model {
    const number = columns.models[index] as number;
    let model = number === NO_NUMBER ? undefined : this.#models[number];
    if (model !== undefined) return model;
    const { places } = columns;
    const place = index * PLACES;
    const metadata = places[place + PLACE.metadataStart] as number;
    if (metadata === 0) return NO_MODEL;
    const start = block.valueStartAt(index);
    const end = start + (places[place + PLACE.metadataEnd] as number);
    const { names } = this.#schemaOf(
      schemaIdOf(block.memory.bytes, start) as number,
    ) as ColumnarSchema;
    model = names.model(block.memory, start + metadata, end);
    if (number !== NO_NUMBER) this.#models[number] = model;
    return model;
  }

  #readAhead(block: RecordBlock): Columns {
    block.columns = readAhead(block, (id) => this.#schemaOf(id)?.reader);
    return block.columns;
  }

  #schemaOf(schemaId: number): ColumnarSchema | undefined {
    if (schemaId !== this.#lastId) {
      const entry = this.#schemas.get(schemaId);
      this.#lastSchema = entry && columnarSchemaOf(entry);
      this.#lastId = schemaId;
    }
    return this.#lastSchema;
  }
}

/** With headers, the record is declined: one of them may name the session. */
function headOfKey(block: RecordBlock, index: number, names: Names): Head | null {
  const start = block.keyStartAt(index);
  const length = block.keyLengthAt(index);
  return length <= 0 || block.hasHeaders(index)
    ? null
    : names.head(block.memory, start, start + length);
}
