import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { TooLargeError, tooLargeOr } from './too-large.ts';
import { refuseLargeFrames } from './zstd-frames.ts';

type ZstdDecompress = (
  bytes: Buffer,
  options: { maxOutputLength: number },
  done: (error: Error | null, result: Buffer) => void,
) => void;

/** Node has it from 22.15 on. */
const native = (zlib as { zstdDecompress?: ZstdDecompress }).zstdDecompress;

export const decodeZstd = native === undefined ? decodeZstdInScript : nativeDecoder(native);

function nativeDecoder(decompress: ZstdDecompress) {
  return async (bytes: Buffer, maxBytes: number): Promise<Buffer> => {
    try {
      return await promisify(decompress)(bytes, { maxOutputLength: maxBytes });
    } catch (error) {
      throw tooLargeOr(error);
    }
  };
}

/** For a Node that has none: a decoder in JavaScript, several times slower. */
export async function decodeZstdInScript(bytes: Buffer, maxBytes: number): Promise<Buffer> {
  refuseLargeFrames(bytes, maxBytes);
  const { Decompress } = await import('fzstd');
  const pieces: Uint8Array[] = [];
  let total = 0;
  const stream = new Decompress((piece) => {
    total += piece.length;
    if (total > maxBytes) throw new TooLargeError();
    pieces.push(piece);
  });
  stream.push(bytes, true);
  return Buffer.concat(pieces);
}
