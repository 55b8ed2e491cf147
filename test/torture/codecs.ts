import { Zstd } from '@hpcc-js/wasm-zstd';
import kafkajs, { CompressionTypes } from 'kafkajs';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';

// Node sees only some of a CommonJS module's names.
const { CompressionCodecs } = kafkajs;

/** What producers of this world compress with. Some clients frame snappy, and some do not. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type CodecName = (typeof CODECS)[number];

const TYPES: Readonly<Record<CodecName, CompressionTypes>> = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
};

export function compressionOf(codec: CodecName): CompressionTypes {
  return TYPES[codec];
}

/** @throws when there is no such codec */
export function codecsNamed(list: string): CodecName[] {
  return list.split(',').map((text) => {
    const found = CODECS.find((codec) => codec === text.trim());
    if (found === undefined) throw new Error(`there is no codec "${text}"`);
    return found;
  });
}

/** Lets the producers of this process compress with every codec; kafkajs itself has only gzip. */
export async function registerCodecs(): Promise<void> {
  const zstd = await Zstd.load();
  let batches = 0;
  CompressionCodecs[CompressionTypes.Snappy] = packedBy((bytes) =>
    // In turns, as the Java client and as librdkafka do it.
    batches++ % 2 === 0 ? xerial(bytes) : compressSync(bytes),
  );
  CompressionCodecs[CompressionTypes.LZ4] = packedBy((bytes) => compressFrameSync(bytes));
  CompressionCodecs[CompressionTypes.ZSTD] = packedBy((bytes) => Buffer.from(zstd.compress(bytes)));
}

function packedBy(pack: (bytes: Buffer) => Buffer) {
  return () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => pack(buffer),
    decompress: async () => {
      throw new Error('nothing is consumed here');
    },
  });
}

/** Source: snappy-java, SnappyOutputStream: a magic, two versions, then blocks after their lengths. */
function xerial(bytes: Buffer): Buffer {
  const BLOCK_BYTES = 32_768;
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const parts: Buffer[] = [header];
  for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
    const block = compressSync(bytes.subarray(at, at + BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}
