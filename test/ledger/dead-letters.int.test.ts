import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordOfDeadLetter } from '../../src/ledger/dead-letter-record.ts';
import { keepDeadLetters } from '../../src/ledger/keep-dead-letters.ts';
import { readDeadLetters } from '../../src/ledger/statements/dead-letters.ts';
import { inTransaction } from '../../src/postgres/database.ts';
import type { DeadLetterMessage } from '../../src/records/message.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';

const WHERE = { topic: 'calls', partition: 0, generation: 0 };

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

const keep = (deadLetters: readonly DeadLetterMessage[]) =>
  inTransaction(world.database, (connection) =>
    keepDeadLetters(connection, WHERE, deadLetters, false),
  );

/** Malformed text included: U+0000, halves of surrogate pairs, quotes and backslashes. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('\0', '\ud800', '\udfff', '"', '\\', '{', '}', 'ü', '\u2028'),
  }),
  fc.constantFrom('', 'NULL', '__proto__', 'x'.repeat(100_000)),
);
const anyBytes = fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes));
const anyTime = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.constantFrom(1_764_190_000_000_000_000, Number.MAX_VALUE, -1, Number.NaN, 2 ** 63, 8.64e15),
  // In microseconds beyond 2^53, where a double has no place for a millisecond.
  fc.integer({ min: 2 ** 50, max: 8.64e15 }),
);
const anyHeader = fc.oneof(
  anyBytes,
  anyText,
  fc.constant(undefined),
  fc.array(fc.oneof(anyBytes, anyText), { maxLength: 3 }),
);

const deadLetters = fc
  .array(
    fc.record({
      timestamp: anyTime,
      key: fc.option(anyBytes),
      value: fc.option(anyBytes),
      headers: fc.dictionary(anyText, anyHeader, { maxKeys: 4 }),
      detail: anyText,
      schemaId: fc.option(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    }),
    { minLength: 1, maxLength: 5 },
  )
  .map((all) =>
    all.map(
      ({ detail, schemaId, ...record }, offset): DeadLetterMessage => ({
        kind: 'dead_letter',
        offset,
        reason: 'undecodable',
        detail,
        schemaId,
        record: { offset, ...record },
      }),
    ),
  );

// The time of day was off by milliseconds from the year 2255 on, where microseconds exceed 2^53.
test('a dead letter keeps its time to the millisecond, in any year', async () => {
  await world.database.query('TRUNCATE dead_letter');
  const times = [0, 1_764_190_000_001, 79_233_788_702_121, 8_639_999_999_999_999, 8.64e15];
  await keep(
    times.map((timestamp, offset) => ({
      kind: 'dead_letter',
      offset,
      reason: 'undecodable',
      detail: '',
      schemaId: null,
      record: { offset, timestamp, key: null, value: null, headers: {} },
    })),
  );
  const kept: number[] = [];
  for (const offset of times.keys()) {
    const [row] = await readDeadLetters.run(world.database, { ...WHERE, offset });
    if (row !== undefined) kept.push(recordOfDeadLetter(row).timestamp);
  }
  expect(kept).toEqual(times);
});

test('any record can be kept as a dead letter, with its bytes', async () => {
  await fc.assert(
    fc.asyncProperty(deadLetters, async (some) => {
      await world.database.query('TRUNCATE dead_letter');
      await keep(some);
      for (const { offset, record, schemaId } of some) {
        const [row] = await readDeadLetters.run(world.database, { ...WHERE, offset });
        if (row === undefined) throw new Error('it is not there');
        expect(row.key).toEqual(record.key);
        expect(row.value).toEqual(record.value);
        expect(row.schema_id).toBe(schemaId === null ? null : String(schemaId));
        const { timestamp } = recordOfDeadLetter(row);
        expect(timestamp).toBeGreaterThanOrEqual(0);
        const isTime = record.timestamp >= 0 && record.timestamp <= 8.64e15;
        if (isTime) expect(timestamp).toBe(Math.trunc(record.timestamp) + 0);
        expect(row.detail.length).toBeLessThan(4_100);
      }
    }),
    { numRuns: 60 },
  );
});
