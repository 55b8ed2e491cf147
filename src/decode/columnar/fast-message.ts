import { type Columns, isBilled, NOT_READ, PLACE, PLACES } from '../../records/columns.ts';
import type { BillableMessage, IgnoredMessage } from '../../records/message.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { HEADER_BYTES, schemaIdOf } from '../../records/wire-format.ts';
import type { SchemaEntries } from '../avro/schema-cache.ts';
import { ColumnBillable, ColumnIgnored } from './column-messages.ts';
import type { Head } from './head.ts';
import { type Names, NO_MODEL } from './names.ts';
import { readAhead } from './read-ahead.ts';
import { type FastWriter, fastWriterOf } from './writer.ts';

/**
 * What the fast path makes of a record; `undefined`: it is for the careful one.
 *
 * @param schemas those of the schema ids of the block
 */
export function fastMessage(
  block: RecordBlock,
  index: number,
  schemas: SchemaEntries,
): BillableMessage | IgnoredMessage | undefined {
  const columns = block.columns ?? readNow(block, schemas);
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
  if (!isBilled(kind)) return new ColumnIgnored(block, index, head);
  const metadata = places[place + PLACE.metadataStart] as number;
  const metadataEnd = start + (places[place + PLACE.metadataEnd] as number);
  const model = metadata === 0 ? NO_MODEL : names.model(memory, start + metadata, metadataEnd);
  return new ColumnBillable(block, index, head, model);
}

/** What was not read ahead. By itself: a function that makes a closure is dear, whether it does or not. */
function readNow(block: RecordBlock, schemas: SchemaEntries): Columns {
  block.columns = readAhead(block, (id) => fastPathOf(schemas, id)?.reader);
  return block.columns;
}

/** A header may name the session too: that is for the careful path. */
function headOfKey(block: RecordBlock, index: number, names: Names): Head | null {
  const start = block.keyStartAt(index);
  const length = block.keyLengthAt(index);
  return length <= 0 || block.hasHeaders(index)
    ? null
    : names.head(block.memory, start, start + length);
}

function fastPathOf(schemas: SchemaEntries, schemaId: number): FastWriter | undefined {
  const entry = schemas.get(schemaId);
  return entry && fastWriterOf(entry);
}
