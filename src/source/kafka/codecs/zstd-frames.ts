import { TooLargeError } from './too-large.ts';

const FRAME = 0xfd2f_b528;
/** The low four bits of its magic number are free. */
const SKIPPABLE = 0x184d_2a50;
/** What every decoder ought to take, however little it is to make of it (RFC 8878, 3.1.1.1.2). */
const COMMON_WINDOW = 8 * 1_048_576;
const RLE = 1;

/**
 * Refuses bytes whose frames announce more than may be made of them: a decoder in script sets memory
 * aside by what the header of a frame says, before it reads on.
 *
 * @throws {TooLargeError}
 */
export function refuseLargeFrames(bytes: Buffer, maxBytes: number): void {
  let at = 0;
  // Fewer bytes are no header: the decoder rejects what is cut off.
  while (at + 6 <= bytes.length) {
    const magic = bytes.readUInt32LE(at);
    if ((magic & ~0xf) === SKIPPABLE && at + 8 <= bytes.length) {
      at += 8 + bytes.readUInt32LE(at + 4);
    } else if (magic === FRAME) {
      at = endOfFrame(bytes, at, maxBytes);
    } else return;
  }
}

function endOfFrame(bytes: Buffer, start: number, maxBytes: number): number {
  const flags = bytes.readUInt8(start + 4);
  const isSingleSegment = (flags & 0x20) !== 0;
  const sizeBytes = flags >> 6 === 0 ? Number(isSingleSegment) : 1 << (flags >> 6);
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeAt = start + (isSingleSegment ? 5 : 6) + dictionaryBytes;
  if (
    !isSingleSegment &&
    windowOf(bytes.readUInt8(start + 5)) > Math.max(maxBytes, COMMON_WINDOW)
  ) {
    throw new TooLargeError();
  }
  let at = sizeAt + sizeBytes;
  if (at > bytes.length) return at;
  if (contentOf(bytes, sizeAt, sizeBytes) > maxBytes) throw new TooLargeError();
  for (let isLast = false; !isLast && at + 3 <= bytes.length; ) {
    const block = bytes.readUIntLE(at, 3);
    isLast = (block & 1) === 1;
    at += 3 + (((block >> 1) & 3) === RLE ? 1 : block >> 3);
  }
  return at + ((flags & 4) === 0 ? 0 : 4);
}

function windowOf(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

/** The size of what a frame holds; 0 where it does not say so. */
function contentOf(bytes: Buffer, at: number, length: number): number {
  if (length === 8) return Number(bytes.readBigUInt64LE(at));
  if (length === 0) return 0;
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0);
}
