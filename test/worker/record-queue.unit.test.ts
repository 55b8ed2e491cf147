import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BLOCK_BYTES, RECORD_BYTES } from '../../src/records/packed-records.ts';
import { RecordBlock } from '../../src/records/record-block.ts';
import { RecordQueue, type Slice } from '../../src/worker/record-queue.ts';
import { framed, recordWith } from '../decode/avro/wire.ts';

const RECORD = RECORD_BYTES;

/** A batch with records at these offsets, up to `nextOffset`. */
function batch(offsets: readonly number[], nextOffset = (offsets.at(-1) ?? -1) + 1, size = 0) {
  const records = offsets.map((offset) => recordWith(Buffer.alloc(size), { offset }));
  return {
    topic: 't',
    partition: 0,
    fromOffset: offsets[0] ?? 0,
    nextOffset,
    endOffset: 1_000,
    records: RecordBlock.of(records),
  };
}

const offsetsOf = ({ pieces }: Slice) =>
  pieces.flatMap(({ block, from, to }) =>
    Array.from({ length: to - from }, (_, i) => block.offsetAt(from + i)),
  );

describe('a queue of records', () => {
  test('is empty at first, and gives an empty slice', () => {
    const queue = new RecordQueue(7);
    expect(queue).toMatchObject({ isEmpty: true, size: 0, bytes: 0, nextOffset: 7 });
    expect(queue.take(10, 10)).toMatchObject({
      fromOffset: 7,
      nextOffset: 7,
      pieces: [],
      bytes: 0,
    });
  });

  test('counts key, value, and the overhead of a record and its block', () => {
    const queue = new RecordQueue(0);
    const key = Buffer.alloc(3);
    const records = [recordWith(Buffer.alloc(10), { key }), recordWith(null, { offset: 1 })];
    queue.push({ ...batch([0, 1]), records: RecordBlock.of(records) });
    expect(queue.bytes).toBe(10 + 3 + 2 * RECORD + BLOCK_BYTES);
    expect(queue.take(1, Number.MAX_VALUE).bytes).toBe(13 + RECORD);
    expect(queue.bytes).toBe(RECORD + BLOCK_BYTES);
    expect(queue.take(1, Number.MAX_VALUE).bytes).toBe(RECORD + BLOCK_BYTES);
    expect(queue.bytes).toBe(0);
  });

  test('is as full as it is in memory when records come one by one', () => {
    const queue = new RecordQueue(0);
    const before = process.memoryUsage();
    const count = 20_000;
    for (let offset = 0; offset < count; offset += 1) queue.push(batch([offset]));
    const after = process.memoryUsage();
    expect(queue.bytes).toBeGreaterThan((after.rss - before.rss) / 2);
    expect(queue.bytes).toBeLessThan(count * 6_000);
  });

  test('takes what was fetched in order, as many as are asked for', () => {
    const queue = new RecordQueue(0);
    queue.push(batch([0, 1, 2]));
    queue.push(batch([3, 4]));
    expect(offsetsOf(queue.take(4, Number.MAX_VALUE))).toEqual([0, 1, 2, 3]);
    expect(queue.take(4, Number.MAX_VALUE)).toMatchObject({ fromOffset: 4, nextOffset: 5 });
    expect(queue.isEmpty).toBe(true);
  });

  test('takes no more bytes than are asked for, but always one record', () => {
    const queue = new RecordQueue(0);
    queue.push(batch([0, 1, 2], 3, 100));
    expect(offsetsOf(queue.take(10, 2 * (RECORD + 100)))).toEqual([0, 1]);
    expect(offsetsOf(queue.take(10, 1))).toEqual([2]);
  });

  test('leaves out what it has already', () => {
    const queue = new RecordQueue(5);
    queue.push(batch([3, 4, 5, 6]));
    queue.push(batch([5, 6, 7]));
    queue.push(batch([0, 1]));
    expect(queue.nextOffset).toBe(8);
    expect(offsetsOf(queue.take(10, Number.MAX_VALUE))).toEqual([5, 6, 7]);
  });
});

describe('offsets without a record', () => {
  test('in front are applied with the first record', () => {
    const queue = new RecordQueue(0);
    queue.push(batch([10, 11]));
    expect(queue.take(1, 1)).toMatchObject({ fromOffset: 0, nextOffset: 11 });
  });

  test('between two are applied with the record before them', () => {
    const queue = new RecordQueue(0);
    queue.push(batch([0, 5, 9], 12));
    expect(queue.take(1, 1)).toMatchObject({ fromOffset: 0, nextOffset: 5 });
    expect(queue.take(1, 1)).toMatchObject({ fromOffset: 5, nextOffset: 9 });
    expect(queue.take(1, 1)).toMatchObject({ fromOffset: 9, nextOffset: 12 });
  });

  test('are something to book, be there no record at all', () => {
    const queue = new RecordQueue(0);
    queue.push(batch([], 4));
    expect(queue).toMatchObject({ isEmpty: false, size: 0, nextOffset: 4 });
    expect(queue.take(1, 1)).toMatchObject({ fromOffset: 0, nextOffset: 4, pieces: [] });
    expect(queue.isEmpty).toBe(true);
  });
});

test('slices touch without gap or overlap, and hold every record once', () => {
  const sizes = fc.array(fc.tuple(fc.nat(5), fc.nat(3), fc.nat(300)), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 1, max: 7 }), fc.nat(3_000), (batches, most, bytes) => {
      const queue = new RecordQueue(0);
      const pushed: number[] = [];
      for (const [count, gap, size] of batches) {
        const first = queue.nextOffset;
        const offsets = Array.from({ length: count }, (_, i) => first + i * (gap + 1));
        pushed.push(...offsets);
        queue.push(batch(offsets, first + count * (gap + 1) + gap, size));
      }
      const end = queue.nextOffset;
      const taken: number[] = [];
      let at = 0;
      while (!queue.isEmpty) {
        const slice = queue.take(most, bytes);
        expect(slice.fromOffset).toBe(at);
        expect(slice.size).toBeLessThanOrEqual(most);
        at = slice.nextOffset;
        taken.push(...offsetsOf(slice));
      }
      expect([at, queue.bytes, queue.size]).toEqual([end, 0, 0]);
      expect(taken).toEqual(pushed);
    }),
  );
});

// 20,000 ids that a slow registry does not know were one slice: no offset advanced for minutes.
test('schema ids without number are loaded in turns: a slice has a bounded number of them', () => {
  const queue = new RecordQueue(0);
  const idAt = (offset: number) => offset >> 1;
  const records = Array.from({ length: 2_000 }, (_, offset) =>
    recordWith(framed(Buffer.alloc(3), idAt(offset)), { offset }),
  );
  for (let from = 0; from < 2_000; from += 400) {
    const block = RecordBlock.of(records.slice(from, from + 400));
    queue.push({ ...batch([from], from + 400), records: block });
  }
  const seen: number[] = [];
  let next = 0;
  while (!queue.isEmpty) {
    const slice = queue.take(10_000, Number.MAX_VALUE);
    expect(slice.fromOffset).toBe(next);
    next = slice.nextOffset;
    const offsets = offsetsOf(slice);
    expect(offsets.length).toBeGreaterThan(0);
    expect(slice.schemaIds.size).toBeLessThanOrEqual(256);
    for (const offset of offsets) expect(slice.schemaIds.has(idAt(offset))).toBe(true);
    seen.push(...offsets);
  }
  expect(seen).toEqual(records.map(({ offset }) => offset));
});
