import { expect, test } from 'vitest';
import { AvroDecoder } from '../../../src/decode/avro/avro-decoder.ts';
import { SchemaCache } from '../../../src/decode/avro/schema-cache.ts';
import { ColumnarDecoder } from '../../../src/decode/columnar/columnar-decoder.ts';
import { readAhead } from '../../../src/decode/columnar/read-ahead.ts';
import { ColumnsWriter, NO_NUMBER } from '../../../src/records/columns.ts';
import { RecordBlock } from '../../../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { simulateEvents } from '../../../src/simulate/simulate-events.ts';
import { envelope, framed, otherEnvelope, SCHEMA_ID, written } from '../avro/wire.ts';
import { readerOf, seen, usedArena } from './agreed.ts';

/** Sessions and models repeat within a block, where each is decoded once. */

const OTHER_ID = SCHEMA_ID + 1;
const ours = loadEnvelopeSchema();
/** Some heads have the same bytes in both, without an account and attributes. */
const other = otherEnvelope(({ fields }) => {
  const [session, account, attributes] = fields.splice(0, 3);
  fields.unshift(session as never, attributes as never, account as never);
});
const cache = new SchemaCache(async (id) => ({
  found: true,
  schema: id === OTHER_ID ? other : ours,
}));
await cache.load([SCHEMA_ID, OTHER_ID]);

/** A block of both schemas, every ninth record without a value. */
function blockOf(seed: number): RecordBlock {
  const values: (Buffer | null)[] = [];
  for (const event of simulateEvents({ sessions: 6, seed, liveSessions: 5 })) {
    const i = values.length;
    const { session_id, account_id, metric } = event;
    const attributes = i % 2 === 0 ? {} : { plan: 'pro' };
    // Every fifth session is declined.
    const name =
      Number.parseInt(session_id.slice(-2), 36) % 5 === 0 ? `${session_id}é` : session_id;
    const others = i % 3 === 0 ? {} : { account_id: account_id ?? null, attributes };
    const isOther = i % 7 < 2;
    const value = envelope(metric, { session_id: name, ...others });
    values.push(
      i % 9 === 8
        ? null
        : framed(written(isOther ? other : ours, value), isOther ? OTHER_ID : SCHEMA_ID),
    );
  }
  const timestamp = 1_760_000_000_000;
  const block = RecordBlock.of(
    values.map((value, offset) => ({ offset, timestamp, key: null, value })),
  );
  block.columns = readAhead(block, readerOf(cache), usedArena());
  return block;
}

const reference = new AvroDecoder(cache);

/** How many of these records the fast path takes; each says what the reference says. */
function compare(decoder: ColumnarDecoder, block: RecordBlock, from: number, to: number): number {
  let taken = 0;
  for (let i = from; i < to; i += 1) {
    const fast = decoder.tryDecode(block, i);
    if (fast === undefined) continue;
    taken += 1;
    expect(seen(fast)).toEqual(seen(reference.decode(block, i)));
  }
  return taken;
}

test('every message of a block says what the reference says, wherever decoding begins', () => {
  const block = blockOf(3);
  const whole = compare(new ColumnarDecoder(cache, reference), block, 0, block.size);
  expect(whole).toBeGreaterThan(block.size / 2);
  const half = block.size >> 1;
  const first = compare(new ColumnarDecoder(cache, reference), block, 0, half);
  const second = compare(new ColumnarDecoder(cache, reference), block, half, block.size);
  expect(first + second).toBe(whole);
});

test('a decoder that goes from block to block takes nothing of one for the other', () => {
  const [a, b] = [blockOf(4), blockOf(5)];
  const decoder = new ColumnarDecoder(cache, reference);
  const size = Math.min(a.size, b.size);
  for (let at = 0; at < size; at += 100) {
    const to = Math.min(at + 100, size);
    expect(compare(decoder, a, at, to)).toBeGreaterThan(0);
    expect(compare(decoder, b, at, to)).toBeGreaterThan(0);
  }
});

test('a block has no more numbers than the columns can hold', () => {
  const columns = new ColumnsWriter(1, usedArena());
  const names = Array.from({ length: NO_NUMBER + 2 }, () => ({ block: -1, number: 0 }));
  const numbers = names.map((name) => columns.numberOf(name));
  expect(new Set(numbers).size).toBe(NO_NUMBER + 1);
  expect(numbers.slice(-2)).toEqual([NO_NUMBER, NO_NUMBER]);
  expect(columns.numberOf({ ...names[0], block: -1 } as never)).toBe(NO_NUMBER);
  expect(columns.numberOf(names[5] as never)).toBe(5);
});
