import { Arena } from '../../bytes/arena.ts';
import { type Columns, ColumnsWriter } from '../../records/columns.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { schemaIdOf } from '../../records/wire-format.ts';
import type { FastReader } from './fast-reader.ts';

/**
 * Reads what the fast path takes of a block.
 *
 * @param readerOf the reader of a schema id; `undefined`: its messages are for the careful reader
 * @param room for what is read
 */
export function readAhead(
  block: RecordBlock,
  readerOf: (schemaId: number) => FastReader | undefined,
  room = Arena.none,
): Columns {
  const columns = new ColumnsWriter(block.size, room);
  const { memory } = block;
  let lastId: number | undefined;
  let reader: FastReader | undefined;
  for (let i = 0; i < block.size; i += 1) {
    const start = block.valueStartAt(i);
    const end = start + Math.max(block.valueLengthAt(i), 0);
    const id = schemaIdOf(memory.bytes, start, end);
    if (id === undefined) continue;
    if (id !== lastId) {
      reader = readerOf(id);
      lastId = id;
    }
    reader?.read(memory, start, end, block, columns, i);
  }
  return columns.finish();
}
