import avro from 'avsc';

/**
 * avsc reads what a well-meaning writer wrote. Bytes from a topic may be anything, so four types
 * are read by our own rules instead:
 *
 * - map and array: a block count that the rest of the message could not hold is refused before it
 *   is looped over (avsc would count to 2^60);
 * - long: 2^53-1 is a number like any other (avsc stops at 2^53-2), and what is negative stays so;
 *   what is beyond comes out as an unsafe integer, which validation refuses with the field's name;
 * - string: bytes that are not UTF-8 come out with a lone surrogate, which validation refuses
 *   (avsc would put U+FFFD in their place, and two ids could become one).
 *
 * They override the reading half of avsc's types, which is not part of its documented surface: its
 * version is exact in package.json, and the tests of this folder fail when it changes.
 */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string;
  skipString(): void;
}
interface Codec {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
}

type Primitive = new () => avro.Type;
type Complex = new (schema: unknown, options: unknown) => avro.Type;
const { LongType, StringType, MapType, ArrayType } = avro.types as unknown as {
  LongType: Primitive;
  StringType: Primitive;
  MapType: Complex;
  ArrayType: Complex;
};

const REPLACEMENT = '\uFFFD';
/** What a string that was not UTF-8 is read as; see above. */
const NOT_UTF8 = '\uD800';
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function readString(tap: Tap): string {
  const start = tap.pos;
  const value = tap.readString();
  // `undefined` when the string runs past the end: the message is refused as truncated.
  if (value?.includes(REPLACEMENT) && !isUtf8(tap, start)) return NOT_UTF8;
  return value;
}

function isUtf8(tap: Tap, start: number): boolean {
  const end = tap.pos;
  tap.pos = start;
  tap.readLong();
  const bytes = tap.buf.subarray(tap.pos, end);
  tap.pos = end;
  try {
    strictUtf8.decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The number of items in the next block; 0 ends the map or array. */
function readBlockCount(tap: Tap): number {
  let count = tap.readLong();
  if (count < 0) {
    count = -count;
    tap.skipLong();
  }
  if (count > tap.buf.length - tap.pos) throw new Error('block count exceeds the message');
  return count;
}

function skipBlocks(tap: Tap, skipItem: (tap: Tap) => void): void {
  for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
    if (count < 0) {
      const bytes = tap.readLong();
      if (bytes < 0 || bytes > tap.buf.length - tap.pos) throw new Error('block size out of range');
      tap.pos += bytes;
    } else {
      if (count > tap.buf.length - tap.pos) throw new Error('block count exceeds the message');
      while (count > 0) {
        const start = tap.pos;
        skipItem(tap);
        // An item of no bytes (null) says that all are: a count of them is no bound to the work.
        count = tap.pos === start ? 0 : count - 1;
      }
    }
  }
}

class ExactLong extends LongType {
  _read(tap: Tap): number {
    // The lowest bit is the sign. avsc rounds it away beyond 2^52, and a negative becomes positive.
    const isNegative = ((tap.buf[tap.pos] ?? 0) & 1) === 1;
    const value = tap.readLong();
    return isNegative && value >= 0 ? -value : value;
  }
}

class ExactString extends StringType {
  _read(tap: Tap): string {
    return readString(tap);
  }
}

/** Most maps are empty: they share one. */
const EMPTY_MAP: Record<string, unknown> = Object.freeze(Object.create(null));

class BoundedMap extends MapType {
  declare readonly valuesType: Codec;
  _read(tap: Tap): Record<string, unknown> {
    const values = this.valuesType;
    let count = readBlockCount(tap);
    if (count === 0) return EMPTY_MAP;
    // Without a prototype: a key may be "__proto__".
    const map: Record<string, unknown> = Object.create(null);
    for (; count !== 0; count = readBlockCount(tap)) {
      while (count--) {
        const key = readString(tap);
        map[key] = values._read(tap);
      }
    }
    return map;
  }
  _skip(tap: Tap): void {
    const values = this.valuesType;
    skipBlocks(tap, () => {
      tap.skipString();
      values._skip(tap);
    });
  }
}

class BoundedArray extends ArrayType {
  declare readonly itemsType: Codec;
  _read(tap: Tap): unknown[] {
    const items = this.itemsType;
    const array: unknown[] = [];
    for (let count = readBlockCount(tap); count !== 0; count = readBlockCount(tap)) {
      while (count--) array.push(items._read(tap));
    }
    return array;
  }
  _skip(tap: Tap): void {
    const items = this.itemsType;
    skipBlocks(tap, () => items._skip(tap));
  }
}

/** Parses a schema into an avsc type that reads by the rules above. */
export function exactType(schema: unknown): avro.Type {
  const long = new ExactLong();
  const string = new ExactString();
  const typeHook = (part: unknown, options: unknown): avro.Type | undefined => {
    const name = typeof part === 'object' && part !== null && 'type' in part ? part.type : part;
    if (name === 'long') return long;
    if (name === 'string') return string;
    if (name === 'map') return new BoundedMap(part, options);
    if (name === 'array') return new BoundedArray(part, options);
    return undefined;
  };
  return avro.Type.forSchema(schema as avro.Schema, { typeHook } as never);
}
