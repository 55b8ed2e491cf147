import { Arena } from '../../bytes/arena.ts';
import { type Columns, ColumnsWriter } from '../../records/columns.ts';
import type { RecordBlock } from '../../records/record-block.ts';
import { schemaIdOf } from '../../records/wire-format.ts';
import type { ColumnReader } from './column-reader.ts';

/**
 * Reads what the fast path needs of the records of a block. Those that it declines stay `NOT_READ`.
 *
 * @param readerOf the reader of a schema id; `undefined`: its records are declined
 * @param arena for the columns
 */
export function readAhead(
  block: RecordBlock,
  readerOf: (schemaId: number) => ColumnReader | undefined,
  arena = Arena.none,
): Columns {
  const columns = new ColumnsWriter(block.size, arena);
  const { memory } = block;
  let lastId: number | undefined;
  let reader: ColumnReader | undefined;
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
