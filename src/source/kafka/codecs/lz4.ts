import { TooLargeError } from './too-large.ts';

/** Source: lz4/lz4, doc/lz4_Frame_format.md. */
const MAGIC = 0x184d2204;
const FLAG = { blockChecksum: 0x10, contentSize: 0x08, dictionary: 0x01 };
const BLOCK_BYTES: ReadonlyMap<number, number> = new Map([
  [4, 65_536],
  [5, 262_144],
  [6, 1_048_576],
  [7, 4_194_304],
]);
const RAW_BLOCK = 0x8000_0000;
/** A byte of a block stands for 255 at most. */
const MOST_PER_BYTE = 255;

/** A frame of LZ4, as all Kafka clients write it. */
export async function decodeLz4Frame(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  if (mostBytesOf(bytes) > maxBytes) throw new TooLargeError();
  // Loaded when a batch needs it: where the library has no build, other codecs still work.
  const { decompressFrameSync } = await import('lz4-napi');
  return decompressFrameSync(bytes);
}

/** How long it can become, by its blocks: the size that a frame may state need not be true. */
function mostBytesOf(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== MAGIC) throw new Error('it is no LZ4 frame');
  const flags = bytes[4] as number;
  const blockBytes = BLOCK_BYTES.get(((bytes[5] as number) >> 4) & 7);
  if (blockBytes === undefined) throw new Error('its block size is unknown');
  const checksumBytes = flags & FLAG.blockChecksum ? 4 : 0;
  let at = 7 + (flags & FLAG.contentSize ? 8 : 0) + (flags & FLAG.dictionary ? 4 : 0);
  let most = 0;
  while (at + 4 <= bytes.length) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) return most;
    const length = word % RAW_BLOCK;
    most += word >= RAW_BLOCK ? length : Math.min(length * MOST_PER_BYTE, blockBytes);
    at += 4 + length + checksumBytes;
  }
  throw new Error('its last block is cut off');
}
