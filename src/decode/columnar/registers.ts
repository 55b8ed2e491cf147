import type { ByteView } from '../../bytes/byte-view.ts';
import { OP, type Program } from './program.ts';

/** More fields than any metric has. */
const MAX_SLOTS = 48;
/** The longest text that is taken here; longer ones may have to be refused. */
const MAX_TEXT = 1_024;

/**
 * The values of one metric, read out of its bytes, each in the register that its field has in the
 * layout. One for all: a metric is done with before the next one is read.
 *
 * Numbers, booleans and whether a record is there (1 or 0) are in `numbers`; a text is where it lies
 * in the bytes, with a length of -1 for null.
 */
export const registers = {
  numbers: new Float64Array(MAX_SLOTS),
  starts: new Int32Array(MAX_SLOTS),
  lengths: new Int32Array(MAX_SLOTS),
  /** Where the record `metadata` lies; nowhere (-1) when it is null. */
  metadataStart: -1,
  metadataEnd: -1,
};

/**
 * Reads a metric into `registers`.
 *
 * @returns where the bytes of the metric end; -1: something is unusual, and is for the careful
 *   reader: a text that is not ASCII or is long, a negative count, what is no finite number
 */
export function readInto(
  { bytes, view }: ByteView,
  start: number,
  end: number,
  program: Program,
): number {
  const { numbers, starts, lengths } = registers;
  for (let i = 0; i < program.registers; i += 1) {
    numbers[i] = 0;
    lengths[i] = -1;
  }
  registers.metadataStart = -1;
  for (const { register, value, isText } of program.defaults) {
    if (isText) lengths[register] = value;
    else numbers[register] = value;
  }
  const { code } = program;
  let at = start;
  for (let i = 0; i < code.length; i += 3) {
    const register = code[i + 1] as number;
    switch (code[i]) {
      case OP.double: {
        if (at + 8 > end) return -1;
        if (register >= 0) {
          const value = view.getFloat64(at, true);
          if (!Number.isFinite(value)) return -1;
          numbers[register] = value;
        }
        at += 8;
        break;
      }
      case OP.float: {
        if (at + 4 > end) return -1;
        if (register >= 0) {
          const value = view.getFloat32(at, true);
          if (!Number.isFinite(value)) return -1;
          numbers[register] = value;
        }
        at += 4;
        break;
      }
      case OP.long: {
        if (at >= end) return -1;
        const first = bytes[at++] as number;
        let value = first & 0x7f;
        if (first > 0x7f) {
          // A zigzag of up to 54 bits is exact as a double; its lowest bit is the sign.
          let factor = 128;
          let byte = first;
          while (byte > 0x7f) {
            if (at >= end || factor > 2 ** 49) return -1;
            byte = bytes[at++] as number;
            value += (byte & 0x7f) * factor;
            factor *= 128;
          }
        }
        if (register >= 0) {
          if ((first & 1) === 1) return -1;
          value /= 2;
          if (value > Number.MAX_SAFE_INTEGER) return -1;
          numbers[register] = value;
        }
        break;
      }
      case OP.boolean: {
        if (at >= end) return -1;
        const value = bytes[at++] as number;
        if (value > 1) return -1;
        if (register >= 0) numbers[register] = value;
        break;
      }
      case OP.text: {
        if (at >= end) return -1;
        // A length of one or two bytes, and not negative.
        const first = bytes[at++] as number;
        if ((first & 1) === 1) return -1;
        let length = (first & 0x7f) >> 1;
        if (first > 0x7f) {
          if (at >= end) return -1;
          const second = bytes[at++] as number;
          if (second > 0x7f) return -1;
          length += second << 6;
        }
        if (at + length > end) return -1;
        if (register >= 0) {
          if (length > MAX_TEXT || !isAscii(bytes, view, at, at + length)) return -1;
          starts[register] = at;
          lengths[register] = length;
        }
        at += length;
        break;
      }
      case OP.nullFirst:
      case OP.nullLast: {
        if (at >= end) return -1;
        const index = bytes[at++] as number;
        if (index !== 0 && index !== 2) return -1;
        const isNull = (index === 0) === (code[i] === OP.nullFirst);
        if (isNull) i += code[i + 2] as number;
        else if (register >= 0) numbers[register] = 1;
        break;
      }
      case OP.metadataStart:
        registers.metadataStart = at;
        break;
      case OP.metadataEnd:
        registers.metadataEnd = at;
        break;
    }
  }
  return at;
}

/** Whether all bytes are of ASCII and none is U+0000. */
function isAscii(bytes: Buffer, view: DataView, start: number, end: number): boolean {
  let at = start;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    // Below 0x80, one less of a byte takes its highest bit only when it is zero.
    if (((word | (word - 0x01010101)) & 0x80808080) !== 0) return false;
  }
  for (; at < end; at += 1) {
    const byte = bytes[at] as number;
    if (byte === 0 || byte > 0x7f) return false;
  }
  return true;
}
