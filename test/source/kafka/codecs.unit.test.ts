import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { crc32c } from '@node-rs/crc32';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { describe, expect, test } from 'vitest';
import { RecordBlock } from '../../../src/records/record-block.ts';
import { CODECS, type Codec } from '../../../src/source/kafka/codecs/codecs.ts';
import { TooLargeError } from '../../../src/source/kafka/codecs/too-large.ts';
import { decodeZstdInScript } from '../../../src/source/kafka/codecs/zstd.ts';
import { packBatches } from '../../../src/source/kafka/pack-batches.ts';
import {
  endOfBatch,
  MAX_DECOMPRESSED_BYTES,
  readRecordBatch,
} from '../../../src/source/kafka/record-batch.ts';

const fixture = (client: string, codec: string) =>
  readFileSync(new URL(`../../fixtures/batches/${client}-${codec}.bin`, import.meta.url));
const numberOf = (codec: string) =>
  [...CODECS].find(([, { name }]) => name === codec)?.[0] as number;

async function recordsOf(bytes: Buffer): Promise<string[]> {
  const batches = [];
  for (let at = 0; at < bytes.length; at = endOfBatch(bytes, at)) {
    const batch = await readRecordBatch(bytes, at);
    if (batch !== undefined) batches.push(batch);
  }
  const block = new RecordBlock(packBatches(batches, 0));
  return Array.from({ length: block.size }, (_, i) =>
    [block.offsetAt(i), block.keyAt(i), block.valueAt(i), block.headersAt(i)['session_id']].join(),
  );
}

const EXPECTED = Array.from(
  { length: 50 },
  (_, i) => `${i},call-${i % 5},message ${i} of a call, and of a call, and of a call,call-${i % 5}`,
);

describe.each(['librdkafka', 'java'])('what %s compressed', (client) => {
  test.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('with %s is read', async (codec) => {
    expect(await recordsOf(fixture(client, codec))).toEqual(EXPECTED);
  });

  test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
    'with %s and changed on the way is refused, whichever bit it was',
    async (codec) => {
      const given = fixture(client, codec);
      for (let at = 21; at < endOfBatch(given, 0); at += 1) {
        const changed = Buffer.from(given);
        changed[at] = (changed[at] as number) ^ (1 << (at % 8));
        await expect(recordsOf(changed)).rejects.toThrow();
      }
    },
  );
});

test('zstd is read the same without the decoder that newer versions of Node have', async () => {
  for (const client of ['librdkafka', 'java']) {
    const body = fixture(client, 'zstd').subarray(61);
    const records = await decodeZstdInScript(body, MAX_DECOMPRESSED_BYTES);
    expect(String(records)).toContain('message 49 of a call');
  }
});

/** One byte, said to be repeated 131,072 times, again and again. Source: RFC 8878. */
function zstdOfZeros(bytes: number): Buffer {
  const blockBytes = 131_072;
  const count = Math.ceil(bytes / blockBytes);
  const blocks = Array.from({ length: count }, (_, i) => {
    const block = Buffer.alloc(4);
    block.writeUIntLE((i === count - 1 ? 1 : 0) | (1 << 1) | (blockBytes << 3), 0, 3);
    return block;
  });
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58]), ...blocks]);
}

/** As a Java client writes it, with blocks of 32 KB. */
function xerial(bytes: number): Buffer {
  const block = compressSync(Buffer.alloc(32_768));
  const size = Buffer.alloc(4);
  size.writeInt32BE(block.length);
  const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
  const blocks = Array.from({ length: bytes / 32_768 }, () => [size, block]).flat();
  return Buffer.concat([magic, ...blocks]);
}

describe('a batch that is small and becomes large', () => {
  const ZEROS = 8 * 1_048_576;
  test.each([
    ['gzip', () => gzipSync(Buffer.alloc(ZEROS))],
    ['snappy', () => compressSync(Buffer.alloc(ZEROS))],
    ['snappy', () => xerial(ZEROS)],
    ['lz4', () => compressFrameSync(Buffer.alloc(ZEROS))],
    ['zstd', () => zstdOfZeros(ZEROS)],
  ])('by %s is given up before it is held in memory', async (codec, make) => {
    const { decompress } = CODECS.get(numberOf(codec)) as Codec;
    await expect(decompress(make(), ZEROS - 1)).rejects.toThrow(TooLargeError);
    expect(await decompress(make(), ZEROS + 4_194_304)).toHaveLength(ZEROS);
  });

  test('is refused, its codec named', async () => {
    const bytes = compressSync(Buffer.alloc(MAX_DECOMPRESSED_BYTES));
    await expect(readRecordBatch(batchOf(numberOf('snappy'), bytes, 1), 0)).rejects.toThrow(
      'compressed with snappy: it takes more than 33554432 bytes when decompressed',
    );
  });

  test('by zstd in script is given up before it is held in memory', async () => {
    await expect(decodeZstdInScript(zstdOfZeros(ZEROS), 1_000_000)).rejects.toThrow(TooLargeError);
    expect(await decodeZstdInScript(zstdOfZeros(1_048_576), 1_048_576)).toHaveLength(1_048_576);
  });

  // Nine bytes made the decoder in script set a gigabyte aside.
  test('by zstd in script is refused by what the header of any frame announces', async () => {
    const window = Buffer.from('28b52ffd00a0010000', 'hex');
    const content = Buffer.from('28b52ffda000000040010000', 'hex');
    const skippable = Buffer.from('502a4d180100000000', 'hex');
    const small = zstdOfZeros(131_072);
    for (const before of [[], [skippable], [small]]) {
      for (const large of [window, content]) {
        const bytes = Buffer.concat([...before, large]);
        const held = process.memoryUsage().arrayBuffers;
        await expect(decodeZstdInScript(bytes, 33_554_432)).rejects.toThrow(TooLargeError);
        expect(process.memoryUsage().arrayBuffers - held).toBeLessThan(100_000_000);
      }
    }
    expect(await decodeZstdInScript(small, 131_072)).toHaveLength(131_072);
    const two = Buffer.concat([small, skippable, small]);
    expect(await decodeZstdInScript(two, 262_144)).toHaveLength(262_144);
  });

  test('of more records than fit in memory is refused', async () => {
    const batch = batchOf(numberOf('gzip'), gzipSync(Buffer.alloc(7_000_000)), 1_000_000);
    await expect(readRecordBatch(batch, 0)).rejects.toThrow('more than 33554432 bytes');
    const lying = batchOf(numberOf('gzip'), gzipSync(Buffer.alloc(7)), 2);
    await expect(readRecordBatch(lying, 0)).rejects.toThrow('7 bytes are too few for 2 records');
  });
});

test('a codec that Kafka does not have is named', async () => {
  await expect(readRecordBatch(batchOf(5, Buffer.alloc(9), 1), 0)).rejects.toThrow(
    'its compression codec, number 5, is unknown',
  );
});

test('what is cut off or no frame at all is refused by each codec', async () => {
  for (const [number, { name }] of CODECS) {
    const body = fixture('java', name).subarray(61);
    for (const bytes of [Buffer.alloc(40, 0x5a), body.subarray(0, -9)]) {
      const reading = readRecordBatch(batchOf(number, bytes, 50), 0);
      await expect(reading, `${name} ${bytes.length}`).rejects.toThrow(`compressed with ${name}`);
    }
  }
});

/** A batch with a true checksum around whatever bytes. */
function batchOf(codec: number, body: Buffer, count: number): Buffer {
  const head = Buffer.alloc(61);
  head.writeInt32BE(61 - 12 + body.length, 8);
  head[16] = 2;
  head.writeInt16BE(codec, 21);
  head.writeInt32BE(count - 1, 23);
  head.writeInt32BE(count, 57);
  const batch = Buffer.concat([head, body]);
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}
