import type { ByteView } from '../../bytes/byte-view.ts';
import type { Registers } from './registers.ts';

/**
 * Reads one field that begins at `at` into its register.
 *
 * @param end where the value of the record ends; nothing after it is read
 * @returns where the field ends, or `DECLINED`
 */
export type ReadField = (memory: ByteView, at: number, end: number, into: Registers) => number;

/** The record is for the reference decoder. */
export const DECLINED = -1;
/** In place of a register: the value is skipped, and may be any that Avro can hold. */
export const NOT_KEPT = -1;

/** Longer texts are declined: they may have to be dead letters. */
const MAX_TEXT_BYTES = 1_024;

export function readDouble(register: number): ReadField {
  if (register === NOT_KEPT) return skip(8);
  return ({ view }, at, end, { numbers }) => {
    if (at + 8 > end) return DECLINED;
    const value = view.getFloat64(at, true);
    numbers[register] = value;
    return Number.isFinite(value) ? at + 8 : DECLINED;
  };
}

export function readFloat(register: number): ReadField {
  if (register === NOT_KEPT) return skip(4);
  return ({ view }, at, end, { numbers }) => {
    if (at + 4 > end) return DECLINED;
    const value = view.getFloat32(at, true);
    numbers[register] = value;
    return Number.isFinite(value) ? at + 4 : DECLINED;
  };
}

function skip(bytes: number): ReadField {
  return (_, at, end) => (at + bytes > end ? DECLINED : at + bytes);
}

/** A negative number, or one beyond 2^53-1, is declined when it is kept. */
export function readLong(register: number): ReadField {
  return ({ bytes }, start, end, { numbers }) => {
    if (start >= end) return DECLINED;
    let at = start;
    const first = bytes[at++] as number;
    let value = first & 0x7f;
    // A zigzag of up to 54 bits is exact as a double; its lowest bit is the sign.
    let factor = 128;
    for (let byte = first; byte > 0x7f; factor *= 128) {
      if (at >= end || factor > 2 ** 49) return DECLINED;
      byte = bytes[at++] as number;
      value += (byte & 0x7f) * factor;
    }
    if (register === NOT_KEPT) return at;
    if ((first & 1) === 1) return DECLINED;
    value /= 2;
    if (value > Number.MAX_SAFE_INTEGER) return DECLINED;
    numbers[register] = value;
    return at;
  };
}

export function readBoolean(register: number): ReadField {
  return ({ bytes }, at, end, { numbers }) => {
    if (at >= end) return DECLINED;
    const value = bytes[at] as number;
    if (value > 1) return DECLINED;
    if (register !== NOT_KEPT) numbers[register] = value;
    return at + 1;
  };
}

/** A text that is not ASCII, or has U+0000, is declined when it is kept. */
export function readText(register: number): ReadField {
  return ({ bytes, view }, start, end, { starts, lengths }) => {
    if (start >= end) return DECLINED;
    let at = start;
    // A length of one or two bytes, and not negative.
    const first = bytes[at++] as number;
    if ((first & 1) === 1) return DECLINED;
    let length = (first & 0x7f) >> 1;
    if (first > 0x7f) {
      if (at >= end) return DECLINED;
      const second = bytes[at++] as number;
      if (second > 0x7f) return DECLINED;
      length += second << 6;
    }
    const textEnd = at + length;
    if (textEnd > end) return DECLINED;
    if (register !== NOT_KEPT) {
      if (length > MAX_TEXT_BYTES || !isAscii(bytes, view, at, textEnd)) return DECLINED;
      starts[register] = at;
      lengths[register] = length;
    }
    return textEnd;
  };
}

/** A union of null and one other type; the register of a null stays as `Registers.clear` left it. */
export function readNullable(isNullFirst: boolean, read: ReadField): ReadField {
  const nullBranch = isNullFirst ? 0 : 2;
  return (memory, at, end, into) => {
    if (at >= end) return DECLINED;
    const branch = memory.bytes[at] as number;
    if (branch !== 0 && branch !== 2) return DECLINED;
    return branch === nullBranch ? at + 1 : read(memory, at + 1, end, into);
  };
}

/** The fields of a record, one after another. */
export function readFields(fields: readonly ReadField[]): ReadField {
  return (memory, start, end, into) => {
    let at = start;
    for (let i = 0; i < fields.length && at !== DECLINED; i += 1) {
      at = (fields[i] as ReadField)(memory, at, end, into);
    }
    return at;
  };
}

/** A record within the metric: its register says that it is there, and where its bytes are. */
export function readRecord(register: number, read: ReadField): ReadField {
  return (memory, start, end, into) => {
    const at = read(memory, start, end, into);
    into.numbers[register] = 1;
    into.starts[register] = start;
    into.lengths[register] = at - start;
    return at;
  };
}

/** Whether all bytes are ASCII and none is U+0000. */
function isAscii(bytes: Buffer, view: DataView, start: number, end: number): boolean {
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    // Subtracting 1 from a byte below 0x80 sets its highest bit only when the byte is zero.
    if (((word | (word - 0x01010101)) & 0x80808080) !== 0) return false;
  }
  for (; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0 || byte > 0x7f) return false;
  }
  return true;
}
