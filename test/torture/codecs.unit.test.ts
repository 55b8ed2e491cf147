import { decompress } from 'fzstd';
import kafkajs, { CompressionTypes } from 'kafkajs';
import { decompressFrameSync } from 'lz4-napi';
import { uncompressSync } from 'snappy';
import { beforeAll, expect, test } from 'vitest';
import { registerCodecs } from './codecs.ts';

const BYTES = Buffer.from('a batch of records '.repeat(5_000));

beforeAll(async () => {
  await registerCodecs();
});

async function packed(
  type: CompressionTypes.Snappy | CompressionTypes.LZ4 | CompressionTypes.ZSTD,
) {
  const bytes: Buffer = await kafkajs.CompressionCodecs[type]().compress({ buffer: BYTES });
  expect(bytes.length).toBeLessThan(BYTES.length / 2);
  return bytes;
}

test('batches compressed with lz4 and zstd are readable by other implementations', async () => {
  expect(decompressFrameSync(await packed(CompressionTypes.LZ4)).equals(BYTES)).toBe(true);
  expect(Buffer.from(decompress(await packed(CompressionTypes.ZSTD))).equals(BYTES)).toBe(true);
});

test('batches are compressed with snappy in the formats of the Java client and of librdkafka', async () => {
  const framed = await packed(CompressionTypes.Snappy);
  expect(framed.subarray(1, 7).toString()).toBe('SNAPPY');
  const blocks: Buffer[] = [];
  for (let at = 16; at < framed.length; ) {
    const end = at + 4 + framed.readUInt32BE(at);
    blocks.push(uncompressSync(framed.subarray(at + 4, end)) as Buffer);
    at = end;
  }
  expect(Buffer.concat(blocks).equals(BYTES)).toBe(true);
  const raw = uncompressSync(await packed(CompressionTypes.Snappy)) as Buffer;
  expect(raw.equals(BYTES)).toBe(true);
});
