import { TooLargeError } from './too-large.ts';

/** Java clients cut what they compress into blocks. Source: org.xerial.snappy.SnappyCodec. */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);
/** Magic, version, oldest version that reads it. */
const XERIAL_HEADER_BYTES = 16;

/** Snappy as Java clients write it (framed) or as librdkafka does (one raw block). */
export async function decodeSnappy(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  // Loaded when a batch needs it: where the library has no build, other codecs still work.
  const { uncompressSync } = await import('snappy');
  const isFramed = bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC);
  const blocks = isFramed ? xerialBlocks(bytes) : [bytes];
  // A decoder ends where a block says that it ends: what all of them say is a bound.
  const total = blocks.reduce((sum, block) => sum + uncompressedLength(block), 0);
  if (total > maxBytes) throw new TooLargeError();
  const decoded = blocks.map((block) => uncompressSync(block) as Buffer);
  return decoded.length === 1 ? (decoded[0] as Buffer) : Buffer.concat(decoded);
}

function xerialBlocks(bytes: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length; ) {
    const start = at + 4;
    const end = start > bytes.length ? Number.NaN : start + bytes.readInt32BE(at);
    if (!(end > start && end <= bytes.length)) throw new Error('a block of it is cut off');
    blocks.push(bytes.subarray(start, end));
    at = end;
  }
  return blocks;
}

/** A varint of up to 32 bits. Source: google/snappy, format_description.txt. */
function uncompressedLength(block: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5 && i < block.length; i += 1) {
    const byte = block[i] as number;
    length += (byte & 0x7f) * 128 ** i;
    if (byte < 0x80) return length;
  }
  throw new Error('a block of it has no length');
}
