import { expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import type { ApplyResult } from '../../src/ledger/ledger.ts';
import type { Batch } from '../../src/records/message.ts';
import { packRecords, RecordBlock } from '../../src/records/record-block.ts';
import type { FetchedBatch } from '../../src/source/partition-source.ts';
import { BatchPermits } from '../../src/worker/batch-permits.ts';
import {
  type MisplacedFetch,
  PartitionLoop,
  type PartitionLoopContext,
} from '../../src/worker/partition-loop.ts';
import { until } from '../support/until.ts';

const APPLIED: ApplyResult = {
  status: 'applied',
  counts: { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 },
  otherAccounts: 0,
};

/** A loop over a ledger that books a batch when the test says so. */
function laneWith(maxEvents: number, ledger?: PartitionLoopContext['ledger'], until?: number) {
  const booking: { batch: Batch; end: (result: ApplyResult) => void }[] = [];
  const misplaced: MisplacedFetch[] = [];
  const paused: unknown[] = [];
  const nothing = () => {};
  const context: PartitionLoopContext = {
    groupId: 'group',
    ledger: ledger ?? {
      apply: (batch) => new Promise((end) => booking.push({ batch, end })),
    },
    schemas: new SchemaCache(() => Promise.reject(new Error('nothing to ask for'))),
    logger: createLogger('fatal'),
    permits: new BatchPermits(1),
    maxEvents,
    deadLetterLimit: 1,
    bufferBytes: () => 1_000_000,
    pauseFetching: (where) => paused.push(where),
    resumeFetching: nothing,
    resync: (loop, _, fetch) => {
      if (fetch !== undefined) misplaced.push(fetch);
      loop.close();
    },
    restored: (loop) => loop.close(),
    halted: nothing,
    applied: nothing,
    failed: (error) => {
      throw error;
    },
  };
  const start = {
    nextOffset: 0,
    pass: 0,
    generation: 0,
    topicId: undefined,
    judgedFrom: 0,
    endOffset: 0,
    advancedAt: 0,
    until,
  };
  const loop = new PartitionLoop({ topic: 'calls', partition: 0 }, start, context);
  loop.start();
  return { loop, booking, misplaced, paused };
}

/** Tombstones, which need no schema. */
function fetched(from: number, to: number, giveBack: () => void): FetchedBatch {
  const records = Array.from({ length: to - from }, (_, i) => ({
    offset: from + i,
    timestamp: 0,
    key: null,
    value: null,
  }));
  const shared = { memory: new SharedArrayBuffer(1), end: 0 };
  const block = new RecordBlock({ ...packRecords(records), shared }, undefined, giveBack);
  const where = { topic: 'calls', partition: 0 };
  return { ...where, fromOffset: from, nextOffset: to, records: block, endOffset: to };
}

test('memory of records is given back when the last of them is booked, and not before', async () => {
  const { loop, booking } = laneWith(2);
  const given: string[] = [];
  loop.push(fetched(0, 3, () => given.push('first')));
  loop.push(fetched(3, 4, () => given.push('second')));

  await until('offsets 0 and 1 are being booked', () => booking.length === 1);
  booking[0]?.end(APPLIED);
  await until('offsets 2 and 3 are being booked', () => booking.length === 2);
  expect(loop.position).toBe(2);
  expect(given).toEqual([]);
  booking[1]?.end(APPLIED);
  await until('all is booked', () => loop.position === 4);
  await until('the memory is given back', () => given.length === 2);
  expect(given).toEqual(['first', 'second']);
  loop.close();
  await loop.ended();
});

test('memory of records that were not booked is not given back', async () => {
  const { loop, booking } = laneWith(2);
  let isGiven = false;
  loop.push(
    fetched(0, 2, () => {
      isGiven = true;
    }),
  );
  await until('it is being booked', () => booking.length === 1);
  booking[0]?.end({ status: 'moved', position: undefined });
  await loop.ended();
  expect(isGiven).toBe(false);
});

/** A ledger that answers like a server which does not finish more than `most` messages in time. */
function slowLedger(most: number, refusal: () => Error) {
  const tried: [from: number, messages: number][] = [];
  return {
    tried,
    apply: async ({ fromOffset, messages }: Batch): Promise<ApplyResult> => {
      tried.push([fromOffset, messages.length]);
      if (messages.length > most) throw refusal();
      return APPLIED;
    },
  };
}

const cancelled = () =>
  Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });

/** Between attempts it waits, longer each time. */
const SLOW = 30_000;

test.each([
  ['the server gives the statement up', cancelled],
  ['the driver does', () => new Error('Query read timeout')],
])(
  'a batch that Postgres does not finish in time twice is halved: %s',
  { timeout: SLOW },
  async (_, refusal) => {
    const ledger = slowLedger(2, refusal);
    const { loop } = laneWith(8, ledger);
    loop.push(fetched(0, 8, () => {}));
    await until('all is booked', () => loop.position === 8);
    expect(ledger.tried).toEqual([
      ...[8, 8, 4, 4].map((messages) => [0, messages]),
      // A part that was quick is followed by one of twice as many.
      ...[
        [0, 2],
        [2, 4],
        [2, 4],
        [2, 2],
      ],
      ...[
        [4, 4],
        [4, 4],
        [4, 2],
        [6, 2],
      ],
    ]);
    loop.close();
    await loop.ended();
  },
);

test('a batch that waits for a lock is not halved: smaller ones would wait as well', async () => {
  let attempts = 0;
  const ledger = slowLedger(8, cancelled);
  const { loop } = laneWith(8, {
    apply: (batch) => {
      attempts += 1;
      if (attempts > 3) return ledger.apply(batch);
      throw Object.assign(new Error('lock timeout'), { code: '55P03' });
    },
  });
  loop.push(fetched(0, 8, () => {}));
  await until('all is booked', () => loop.position === 8);
  expect(ledger.tried).toEqual([[0, 8]]);
  loop.close();
  await loop.ended();
});

// It once took a gap for compaction when the position had just been looked up again: offsets that
// retention deleted in between were booked as read.
test.each([
  ['later', 9],
  ['earlier', 3],
])(
  'a fetch that begins %s than it was asked to is not booked, also not as the first one',
  async (_, given) => {
    const { loop, booking, misplaced } = laneWith(10);
    loop.push(fetched(0, 5, () => {}));
    loop.push(fetched(given, 12, () => {}));

    expect(misplaced).toEqual([{ asked: 5, given }]);
    await loop.ended();
    expect(booking.map(({ batch }) => batch.nextOffset)).toEqual([]);
  },
);

test('the first fetch of a loop that begins after its position is not booked', async () => {
  const { loop, booking, misplaced } = laneWith(10);
  loop.push(fetched(9, 12, () => {}));

  expect(misplaced).toEqual([{ asked: 0, given: 9 }]);
  await loop.ended();
  expect(booking).toEqual([]);
});

test('a loop that is read to its end neither looks again nor halts for what comes after', async () => {
  const ledger = { apply: async () => APPLIED };
  const { loop, misplaced, paused } = laneWith(8, ledger, 2);
  loop.push(fetched(0, 4, () => {}));
  await until('the range is booked', () => loop.position === 2);
  loop.push(fetched(4, 6, () => {}));
  loop.unreadable({ topic: 'calls', partition: 0, fromOffset: 2, why: 'a wrong checksum' });
  await new Promise((resolve) => setImmediate(resolve));
  expect({ state: loop.state, misplaced }).toEqual({ state: 'running', misplaced: [] });
  expect(paused).toEqual([loop, loop]);
  loop.close();
  await loop.ended();
});
