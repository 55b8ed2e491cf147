import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from 'vitest';
import { deliveryOf } from '../../../src/source/kafka/delivery.ts';
import type { DecodeMessages } from '../../../src/source/kafka/kafkajs/decode-messages.ts';
import type {
  BatchEntry,
  FetchedEntry,
  KafkaJsMessage,
  UnreadableEntry,
} from '../../../src/source/kafka/kafkajs/fetched-entry.ts';
import { FetchedPartition } from '../../../src/source/kafka/kafkajs/fetched-partition.ts';
import { loadPatchedKafkaJs } from '../../../src/source/kafka/kafkajs/load.ts';

const require = createRequire(import.meta.url);
let decodeMessages: DecodeMessages;
beforeAll(() => {
  loadPatchedKafkaJs();
  decodeMessages = require('kafkajs/src/protocol/requests/fetch/v4/decodeMessages.js');
});

/** What one partition's part of an answer is read as. */
async function read(...entries: Buffer[]): Promise<FetchedEntry[]> {
  const Decoder = require('kafkajs/src/protocol/decoder.js');
  const bytes = Buffer.concat(entries);
  const size = Buffer.alloc(4);
  size.writeInt32BE(bytes.length);
  return decodeMessages(new Decoder(Buffer.concat([size, bytes])));
}

/** What is delivered of entries that were fetched from an offset. */
function delivered(messages: readonly FetchedEntry[], fromOffset: number) {
  const answer = { partition: 0, highWatermark: '1000', messages };
  return deliveryOf(new FetchedPartition('calls', String(fromOffset), answer));
}

const lastOffsets = (entries: readonly FetchedEntry[]) =>
  entries.map((entry) => (entry as BatchEntry).batch.lastOffset);
const reasonOf = (entry: FetchedEntry | undefined) => (entry as UnreadableEntry).unreadable;

/** The 50 messages of a fixture, at later offsets. */
function batch(codec: string, firstOffset = 0): Buffer {
  const bytes = readFileSync(new URL(`../../fixtures/batches/java-${codec}.bin`, import.meta.url));
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  return bytes;
}

function broken(codec: string, firstOffset: number): Buffer {
  const bytes = batch(codec, firstOffset);
  bytes[100] = (bytes[100] as number) ^ 1;
  return bytes;
}

/** Messages of an old format, in one that is compressed. Source: Kafka's message format 1. */
function oldMessages(codec: number, compress: (bytes: Buffer) => Buffer): Buffer {
  const encodeSet = require('kafkajs/src/protocol/messageSet');
  const entries = ['a', 'b'].map((value) => ({ key: 'key', value, timestamp: 1_760_000_000_000 }));
  const inner = encodeSet({ messageVersion: 1, compression: 1, entries }).buffer as Buffer;
  const Message = require('kafkajs/src/protocol/message')({ version: 1 });
  const wrapper = Message({ value: compress(inner), timestamp: 1, compression: codec });
  const head = Buffer.alloc(12);
  head.writeBigInt64BE(1n);
  head.writeInt32BE(wrapper.size(), 8);
  return Buffer.concat([head, wrapper.buffer]);
}

describe('what follows something that cannot be read', () => {
  test('is read up to there, and the reason is the first thing of the next fetch', async () => {
    const good = await read(
      batch('none'),
      batch('zstd', 50),
      broken('lz4', 100),
      batch('gzip', 150),
    );
    expect(lastOffsets(good)).toEqual([49, 99]);
    expect(delivered(good, 0)).toMatchObject({ seekTo: undefined, batch: { nextOffset: 100 } });

    const [reason, ...more] = await read(broken('lz4', 100), batch('gzip', 150));
    expect(more).toEqual([]);
    expect(reasonOf(reason)).toMatchObject({ firstOffset: 100, lastOffset: 149 });
    expect(reasonOf(reason).why).toMatch(/checksum is \d+, stored is \d+/);
    expect(delivered([reason as FetchedEntry], 120)).toMatchObject({
      unreadable: { fromOffset: 120, why: expect.stringContaining('at offsets 100 to 149') },
    });
  });

  test('is packed up to there, when it is seen only as its records are read', async () => {
    const messages = await read(batch('none'), batch('none', 50));
    const second = messages[1] as BatchEntry;
    // With a checksum that is right, as of a client that writes malformed records.
    second.batch.records[0] = 2;
    expect(delivered(messages, 0)).toMatchObject({ seekTo: 50, batch: { nextOffset: 50 } });
    const { unreadable } = delivered([second], 50) as { unreadable: { why: string } };
    expect(unreadable.why).toContain('at offsets 50 to 99 cannot be read');
    expect(unreadable.why).toContain('does not end where it says');
  });

  test('of an unknown format is named, and one that is cut off is waited for', async () => {
    const later = batch('none');
    later[16] = 3;
    const [reason] = await read(later);
    expect(reasonOf(reason).why).toBe('its format is 3');
    expect(await read(batch('none').subarray(0, -1))).toEqual([]);
  });
});

test('an answer that becomes large is read in parts', async () => {
  const { gzipSync } = require('node:zlib');
  const { crc32c } = require('@node-rs/crc32');
  const large = (firstOffset: number) => {
    const head = Buffer.from(batch('gzip', firstOffset).subarray(0, 61));
    const body = gzipSync(Buffer.alloc(10_000_000));
    head.writeInt32BE(49 + body.length, 8);
    const bytes = Buffer.concat([head, body]);
    bytes.writeUInt32BE(crc32c(bytes.subarray(21)), 17);
    return bytes;
  };
  const messages = await read(large(0), large(50), large(100), large(150));
  expect(lastOffsets(messages)).toEqual([49, 99]);
});

test.each([
  ['gzip', 1, (bytes: Buffer) => require('node:zlib').gzipSync(bytes)],
  ['snappy', 2, (bytes: Buffer) => require('snappy').compressSync(bytes)],
  ['lz4', 3, (bytes: Buffer) => require('lz4-napi').compressFrameSync(bytes)],
] as const)('messages of an old format are read, with %s too', async (_, codec, compress) => {
  const messages = await read(oldMessages(codec, compress));
  const values = messages.map((message) => String((message as KafkaJsMessage).value));
  expect(values).toEqual(['a', 'b']);
  expect(delivered(messages, 0)).toMatchObject({ seekTo: undefined, batch: { nextOffset: 2 } });

  const [reason] = await read(oldMessages(codec, () => Buffer.from('nonsense')));
  expect(reasonOf(reason).why).toBeTruthy();
  // Batches and old messages are packed apart.
  const mixed = await read(oldMessages(codec, compress), batch('none', 2));
  expect(mixed).toHaveLength(2);
});
