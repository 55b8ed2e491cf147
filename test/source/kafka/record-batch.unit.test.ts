import { createRequire } from 'node:module';
import { crc32c } from '@node-rs/crc32';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RecordBlock } from '../../../src/records/record-block.ts';
import { MalformedRecordsError, packBatches } from '../../../src/source/kafka/pack-batches.ts';
import { endOfBatch, readRecordBatch } from '../../../src/source/kafka/record-batch.ts';

/** Batches as kafkajs writes them for the brokers; its modules have no types. */
const require = createRequire(import.meta.url);
const { RecordBatch: encodeBatch } = require('kafkajs/src/protocol/recordBatch/v0');
const encodeRecord = require('kafkajs/src/protocol/recordBatch/record/v0');

const NONE = 0;
const GZIP = 1;
const BASE_TIMESTAMP = 1_760_000_000_000;
const LATER = 1_770_000_000_000;
const APPEND_TIME = 0x08;
const CONTROL = 0x20;

interface Given {
  readonly offsetDelta: number;
  readonly timestampDelta: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: Record<string, Buffer | Buffer[]>;
}

async function encoded(
  records: readonly Given[],
  { firstOffset = 0, compression = NONE, transactional = false } = {},
): Promise<Buffer> {
  const batch = await encodeBatch({
    compression,
    firstOffset,
    transactional,
    producerId: 42,
    firstTimestamp: BASE_TIMESTAMP,
    maxTimestamp: LATER,
    lastOffsetDelta: Math.max(0, ...records.map(({ offsetDelta }) => offsetDelta)),
    records: records.map((record) => encodeRecord(record)),
  });
  return Buffer.from(batch.buffer);
}

/** As if the bytes had been written like that. */
function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

async function readAll(bytes: Buffer, fromOffset = 0) {
  const batches = [];
  for (let at = 0; at < bytes.length; at = endOfBatch(bytes, at)) {
    const batch = await readRecordBatch(bytes, at);
    if (batch === undefined) throw new Error(`no batch at ${at}`);
    batches.push(batch);
  }
  return new RecordBlock(packBatches(batches, fromOffset));
}

const seen = (block: RecordBlock) =>
  Array.from({ length: block.size }, (_, i) => {
    const { offset, timestamp, key, value, headers } = block.recordAt(i);
    return { offset, timestamp, key, value, headers: { ...headers } };
  });

/** Zigzag. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value * 2;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.from([...bytes, rest]);
}

const record = (offsetDelta: number, fields: Partial<Given> = {}): Given => ({
  offsetDelta,
  timestampDelta: offsetDelta * 10,
  key: Buffer.from('key'),
  value: Buffer.from(`value ${offsetDelta}`),
  ...fields,
});

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array)));
const records = fc
  .array(
    fc.record({
      gap: fc.nat(200),
      timestampDelta: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      key: bytes,
      value: bytes,
      header: fc.option(fc.tuple(fc.string(), fc.uint8Array({ maxLength: 9 }))),
    }),
    { minLength: 1, maxLength: 20 },
  )
  .map((items) => {
    let offsetDelta = -1;
    return items.map(({ gap, timestampDelta, key, value, header }) => {
      offsetDelta += gap + 1;
      const headers = header === null ? {} : { [header[0]]: Buffer.from(header[1]) };
      return { offsetDelta, timestampDelta, key, value, headers };
    });
  });

describe('a record batch', () => {
  test('is read as it was written, whatever its records are', async () => {
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.constantFrom(NONE, GZIP),
        fc.nat(2 ** 40),
        async (given, compression, firstOffset) => {
          const block = await readAll(await encoded(given, { firstOffset, compression }));
          expect(seen(block)).toEqual(
            given.map(({ offsetDelta, timestampDelta, key, value, headers }) => ({
              offset: firstOffset + offsetDelta,
              timestamp: BASE_TIMESTAMP + timestampDelta,
              key,
              value,
              headers,
            })),
          );
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is read from an offset within it on, with the batches after it', async () => {
    const both = Buffer.concat([
      await encoded([record(0), record(1), record(4)], { firstOffset: 10 }),
      await encoded([record(0), record(1)], { firstOffset: 15, compression: GZIP }),
    ]);
    const offsets = (block: RecordBlock) => seen(block).map(({ offset }) => offset);
    expect(offsets(await readAll(both))).toEqual([10, 11, 14, 15, 16]);
    const block = await readAll(both, 12);
    expect(offsets(block)).toEqual([14, 15, 16]);
    expect(seen(block)[0]).toMatchObject({ timestamp: BASE_TIMESTAMP + 40 });
    expect(seen(await readAll(both, 17))).toEqual([]);
  });

  test('states its last offset, its producer and whether it is of a transaction', async () => {
    const given = await encoded([record(0), record(7)], { firstOffset: 5, transactional: true });
    expect(await readRecordBatch(given, 0)).toMatchObject({
      baseOffset: 5,
      lastOffset: 12,
      producerId: '42',
      isTransactional: true,
    });
  });

  test('may give all records the time at which the broker appended them', async () => {
    const given = await encoded([record(0), record(1)]);
    given.writeInt16BE(APPEND_TIME, 21);
    expect(seen(await readAll(sealed(given))).map(({ timestamp }) => timestamp)).toEqual([
      LATER,
      LATER,
    ]);
  });

  test('keeps headers that are repeated, and those without a value', async () => {
    const headers = { twice: [Buffer.from('a'), Buffer.from('b')], none: Buffer.from('x') };
    const given = await encoded([record(0, { headers })]);
    // The value's length, 1, becomes -1, and its byte goes to the next record, of which there is none.
    const at = given.indexOf(Buffer.from([2, 0x78]), -4);
    const [block] = seen(await readAll(given));
    expect(block?.headers).toEqual(headers);
    const shorter = Buffer.concat([given.subarray(0, at), Buffer.from([1])]);
    shorter.writeInt32BE(shorter.length - 12, 8);
    const length = shorter[61] as number;
    shorter[61] = length - 2;
    expect(seen(await readAll(sealed(shorter)))[0]?.headers).toEqual({
      twice: headers.twice,
      none: undefined,
    });
  });

  test('copies headers out of the memory of the fetch', async () => {
    const headers = { name: Buffer.from('x'), list: [Buffer.from('y'), Buffer.from('z')] };
    const given = await encoded([record(0, { headers })]);
    const { packed } = await readAll(given);
    const { name, list } = packed.headers.get(0) as { name: Buffer; list: Buffer[] };
    for (const header of [name, ...list]) expect(header.buffer.byteLength).toBe(1);
  });

  test('is left alone when it is cut off, a control batch or of an old format', async () => {
    const given = await encoded([record(0)]);
    expect(await readRecordBatch(given.subarray(0, -1), 0)).toBeUndefined();
    expect(await readRecordBatch(given.subarray(0, 40), 0)).toBeUndefined();
    const control = Buffer.from(given);
    control.writeInt16BE(CONTROL, 21);
    expect(await readRecordBatch(sealed(control), 0)).toBeUndefined();
    const old = Buffer.from(given);
    old[16] = 1;
    expect(await readRecordBatch(old, 0)).toBeUndefined();
  });

  test('may be empty, also when it is a control batch or was compressed', async () => {
    const given = await encoded([]);
    for (const attributes of [0, CONTROL, GZIP]) {
      given.writeInt16BE(attributes, 21);
      sealed(given);
      expect((await readAll(given)).size).toBe(0);
      expect(await readRecordBatch(given, 0)).toMatchObject({
        count: 0,
        lastOffset: 0,
      });
    }
  });

  // Each repetition once copied the ones before it: half a minute, in which no heartbeat was sent.
  test('may repeat a header a hundred thousand times without a stall', async () => {
    const repeated = 100_000;
    const header = Buffer.from([2, 0x78, 0]);
    const headers = Buffer.concat(Array.from({ length: repeated }, () => header));
    // No attributes, no deltas, neither key nor value, and the number of headers.
    const body = Buffer.concat([Buffer.from([0, 0, 0, 1, 1]), varint(repeated), headers]);
    const batch = await encoded([record(0)]);
    const bytes = Buffer.concat([batch.subarray(0, 61), varint(body.length), body]);
    bytes.writeInt32BE(bytes.length - 12, 8);
    sealed(bytes);
    // Time of the processor, whatever else it is busy with.
    const begun = process.cpuUsage();
    const block = await readAll(bytes);
    expect(process.cpuUsage(begun).user).toBeLessThan(5_000_000);
    expect(block.recordAt(0).headers['x']).toHaveLength(repeated);
    // They count as what they take in memory, also while they wait for their transaction.
    expect(block.bytesAt(0)).toBeGreaterThan(repeated * 100);
  });

  test('is refused when its records do not end where they say', async () => {
    const given = await encoded([record(0), record(1)]);
    for (const length of [0x7e, 2]) {
      const broken = Buffer.from(given);
      broken[61] = length;
      await expect(readAll(sealed(broken))).rejects.toThrow(MalformedRecordsError);
    }
  });
});
