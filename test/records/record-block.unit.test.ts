import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arena } from '../../src/bytes/arena.ts';
import type { ConsumedRecord } from '../../src/records/consumed-record.ts';
import { BLOCK_BYTES, Packing, RECORD_BYTES } from '../../src/records/packed-records.ts';
import { type FetchedRecord, packRecords, RecordBlock } from '../../src/records/record-block.ts';

const record = (offset: number, fields: Partial<FetchedRecord> = {}): FetchedRecord => ({
  offset,
  timestamp: 1_760_000_000_000 + offset,
  key: Buffer.from('key'),
  value: Buffer.from(`value ${offset}`),
  ...fields,
});

const plain = ({ offset, timestamp, key, value, headers }: ConsumedRecord) => ({
  offset,
  timestamp,
  key: key?.toString('hex') ?? null,
  value: value?.toString('hex') ?? null,
  headers: JSON.stringify(headers),
});

/** What is read back from a block, from its records and from its parts alike. */
function readBack(block: RecordBlock) {
  return Array.from({ length: block.size }, (_, i) => {
    const read = plain(block.recordAt(i));
    expect(read).toMatchObject({
      offset: block.offsetAt(i),
      timestamp: block.timestampAt(i),
      key: block.keyAt(i)?.toString('hex') ?? null,
      value: block.valueAt(i)?.toString('hex') ?? null,
    });
    return read;
  });
}

const given = (records: readonly FetchedRecord[]) =>
  records.map(({ offset, timestamp, key, value, headers = {} }) =>
    plain({ offset: Number(offset), timestamp: Number(timestamp), key, value, headers }),
  );

/** As a client has them: slices of what was received, with a few bytes between. */
function received(records: readonly FetchedRecord[]): FetchedRecord[] {
  const parts = records.flatMap(({ key, value }) => [
    Buffer.from('...'),
    key ?? Buffer.alloc(0),
    value ?? Buffer.alloc(0),
  ]);
  const memory = Buffer.concat([...parts, Buffer.from('the rest')]);
  let at = 0;
  const slice = (bytes: Buffer | null) => {
    const start = at;
    at += bytes?.length ?? 0;
    return bytes === null ? null : memory.subarray(start, at);
  };
  return records.map((one) => {
    at += 3;
    return { ...one, key: slice(one.key), value: slice(one.value) };
  });
}

const bytes = fc.option(fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array)));
const records = fc
  .array(fc.record({ key: bytes, value: bytes, gap: fc.nat(3) }), { maxLength: 30 })
  .map((items) => {
    let offset = 0;
    return items.map(({ key, value, gap }) => {
      offset += gap + 1;
      return record(offset, { key, value });
    });
  });

describe('records that are packed', () => {
  test('are what they were, wherever their bytes lay', () => {
    fc.assert(
      fc.property(records, (some) => {
        expect(readBack(RecordBlock.of(some))).toEqual(given(some));
        expect(readBack(RecordBlock.of(received(some)))).toEqual(given(some));
      }),
    );
  });

  test('are a copy: what the client does with its memory does not reach them', () => {
    for (const some of [[record(1), record(2)], received([record(1), record(2)])]) {
      const block = RecordBlock.of(some);
      const before = readBack(block);
      for (const { key, value } of some) for (const memory of [key, value]) memory?.fill(0);
      expect(readBack(block)).toEqual(before);
    }
  });

  test('do not keep what lies between: little of the memory belongs to them', () => {
    const memory = Buffer.alloc(1_000_000);
    const far = [memory.subarray(0, 10), memory.subarray(999_990)];
    const block = RecordBlock.of(far.map((value, i) => record(i, { value, key: null })));
    expect(block.packed.data).toHaveLength(20);
  });

  test('have offsets and timestamps as text too, as kafkajs gives them', () => {
    const block = RecordBlock.of([record(0, { offset: '9007199254740991', timestamp: '17' })]);
    expect(block.recordAt(0)).toMatchObject({ offset: 9_007_199_254_740_991, timestamp: 17 });
  });

  test('distinguish a record without a value from an empty one', () => {
    const block = RecordBlock.of([
      record(0, { key: null, value: null }),
      record(1, { key: Buffer.alloc(0), value: Buffer.alloc(0) }),
    ]);
    expect([block.keyAt(0), block.valueAt(0)]).toEqual([null, null]);
    expect([block.keyAt(1), block.valueAt(1)]).toEqual([Buffer.alloc(0), Buffer.alloc(0)]);
  });

  test('know the schema ids that their values are framed with', () => {
    const framed = (id: number) => Buffer.from([0, 0, 0, 0, id, 1, 2]);
    const values = [framed(7), framed(7), null, Buffer.from('text'), framed(9), framed(7)];
    const block = RecordBlock.of(values.map((value, i) => record(i, { value })));
    expect(block.packed.schemaIds).toEqual(new Set([7, 9]));
  });

  test('keep their headers, from thread to thread', () => {
    const headers = {
      session_id: Buffer.from('call'),
      twice: [Buffer.from('a'), Buffer.from([0xff])],
      text: 'text',
    };
    const some = [record(0), record(1, { headers })];
    const packed = structuredClone(packRecords(some));
    const block = new RecordBlock(packed);
    expect(readBack(block)).toEqual(given(some));
    expect(block.headersAt(1)).toEqual(headers);
    expect(Buffer.isBuffer(block.headersAt(1)['session_id'])).toBe(true);
    expect(block.headersAt(0)).toEqual({});
  });

  test('count what they take in memory', () => {
    expect(RecordBlock.of([]).bytes).toBe(BLOCK_BYTES);
    const value = Buffer.alloc(1_000);
    const without = RecordBlock.of([record(0, { value, key: null })]);
    expect(without.bytes).toBe(1_000 + RECORD_BYTES + BLOCK_BYTES);
    expect(without.bytesAt(0)).toBe(without.bytes - BLOCK_BYTES);
    const headers = { name: Buffer.alloc(50) };
    const withHeader = RecordBlock.of([record(0, { value, key: null, headers })]);
    expect(withHeader.bytes).toBeGreaterThan(without.bytes + 50);
  });
});

test('shared memory of a block is released once, and whatever reads the block then throws', () => {
  const memory = new SharedArrayBuffer(1_000);
  const packing = new Packing(1, 5, new Arena(memory));
  packing.data.write('value');
  packing.add(7, 1_760_000_000_000, 0, -1, 0, 5);
  const released: SharedArrayBuffer[] = [];
  const block = new RecordBlock(packing.finish(), undefined, (given) => released.push(given));
  const kept = block.recordAt(0);
  expect([kept.offset, String(kept.value)]).toEqual([7, 'value']);

  block.release();
  expect(released).toEqual([memory]);
  for (const read of [
    () => kept.offset,
    () => kept.timestamp,
    () => kept.key,
    () => kept.value,
    () => block.bytesAt(0),
    () => block.memory.bytes,
  ]) {
    expect(read).toThrow('was read after it had been given back');
  }
  // Given back again, two fetches would be written into it at once.
  expect(() => block.release()).toThrow('was released twice');
  expect(released).toHaveLength(1);
});
