import type { Cursor } from './cursor.ts';
import type { WriterType } from './writer-type.ts';

const MAX_DEPTH = 1_000;

/**
 * Skips a value that is not read here. The work is bounded by its bytes: parts that have none are not
 * visited.
 *
 * @throws when the bytes do not follow the type
 */
export function skip(cursor: Cursor, type: WriterType, depth = 0): void {
  if (type.isEmpty) return;
  cursor.step();
  if (depth > MAX_DEPTH) throw new Error(`values are nested deeper than ${MAX_DEPTH}`);
  switch (type.typeName) {
    case 'boolean':
      cursor.skip(1);
      return;
    case 'int':
    case 'long':
    case 'enum':
      cursor.long();
      return;
    case 'float':
      cursor.skip(4);
      return;
    case 'double':
      cursor.skip(8);
      return;
    case 'string':
    case 'bytes':
      cursor.skip(cursor.long());
      return;
    case 'fixed':
      cursor.skip(type.size ?? 0);
      return;
    case 'record':
      for (const field of type.solidTypes ?? []) skip(cursor, field, depth + 1);
      return;
    case 'union':
      skip(cursor, branchAt(type, cursor.long()), depth + 1);
      return;
    case 'array':
      skipBlocks(cursor, false, type.itemsType as WriterType, depth + 1);
      return;
    case 'map':
      skipBlocks(cursor, true, type.valuesType as WriterType, depth + 1);
      return;
    default:
      throw new Error(`${type.typeName} is not an Avro type`);
  }
}

/** @throws when the union has no such branch */
export function branchAt({ types = [] }: WriterType, index: number): WriterType {
  const branch = types[index];
  if (branch === undefined) {
    throw new Error(`branch ${index} of a union that has ${types.length}`);
  }
  return branch;
}

function skipBlocks(cursor: Cursor, hasKeys: boolean, item: WriterType, depth: number): void {
  for (;;) {
    const count = cursor.long();
    if (count === 0) return;
    cursor.step();
    if (count < 0) {
      cursor.skip(cursor.long());
      continue;
    }
    const isEmpty = item.isEmpty && !hasKeys;
    if (isEmpty) continue;
    if (count > cursor.left) throw new Error('a block has more items than the message can hold');
    for (let i = 0; i < count; i += 1) {
      if (hasKeys) cursor.skip(cursor.long());
      skip(cursor, item, depth);
    }
  }
}
