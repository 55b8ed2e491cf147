import { expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import type { ApplyResult } from '../../src/ledger/ledger.ts';
import type { Batch } from '../../src/records/message.ts';
import { packRecords, RecordBlock } from '../../src/records/record-block.ts';
import type { FetchedBatch } from '../../src/source/partition-source.ts';
import { BatchPermits } from '../../src/worker/batch-permits.ts';
import { Mutex } from '../../src/worker/mutex.ts';
import { PartitionLoop } from '../../src/worker/partition-loop.ts';
import type { PartitionLoopContext } from '../../src/worker/partition-loop-context.ts';
import type { MisplacedFetch } from '../../src/worker/record-intake.ts';
import { SharedTransactions } from '../../src/worker/shared-transactions.ts';
import { until } from '../support/until.ts';

const APPLIED: ApplyResult = {
  status: 'applied',
  counts: { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 },
  otherAccounts: 0,
};

/** A loop over a ledger that applies a batch when the test says so. */
function loopWith(
  maxEvents: number,
  ledger?: PartitionLoopContext['ledger'],
  until?: number,
  lingerMs = 0,
) {
  const applying: { batch: Batch; end: (result: ApplyResult) => void }[] = [];
  const misplaced: MisplacedFetch[] = [];
  let pauses = 0;
  const nothing = () => {};
  const logger = createLogger('fatal');
  const permits = new BatchPermits(1);
  const context: PartitionLoopContext = {
    groupId: 'group',
    ledger: ledger ?? {
      apply: (batch) => new Promise((end) => applying.push({ batch, end })),
    },
    schemas: new SchemaCache(() => Promise.reject(new Error('nothing to ask for'))),
    logger,
    permits,
    shared:
      lingerMs === 0
        ? undefined
        : new SharedTransactions({ ledger: {}, logger, permits, lingerMs, maxEvents }),
    preparation: new Mutex(),
    maxEvents,
    deadLetterLimit: 1,
    bufferBytes: () => 1_000_000,
    pauseFetching: () => {
      pauses += 1;
    },
    resumeFetching: nothing,
    resync: (_, fetch) => {
      if (fetch !== undefined) misplaced.push(fetch);
      loop.close();
    },
    restored: () => loop.close(),
    onHalted: nothing,
    onMoved: nothing,
    onApplied: nothing,
    onFailure: (error) => {
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
  const loop: PartitionLoop = new PartitionLoop({ topic: 'calls', partition: 0 }, start, context);
  loop.start();
  return { loop, applying, misplaced, pauses: () => pauses };
}

/** Tombstones, which need no schema. */
function fetched(from: number, to: number, release: () => void): FetchedBatch {
  const records = Array.from({ length: to - from }, (_, i) => ({
    offset: from + i,
    timestamp: 0,
    key: null,
    value: null,
  }));
  const shared = { memory: new SharedArrayBuffer(1), end: 0 };
  const block = new RecordBlock({ ...packRecords(records), shared }, undefined, release);
  const where = { topic: 'calls', partition: 0 };
  return { ...where, fromOffset: from, nextOffset: to, records: block, endOffset: to };
}

test('the memory of a block is released when its last record is applied, and not before', async () => {
  const { loop, applying } = loopWith(2);
  const released: string[] = [];
  loop.push(fetched(0, 3, () => released.push('first')));
  loop.push(fetched(3, 4, () => released.push('second')));

  await until('offsets 0 and 1 are being applied', () => applying.length === 1);
  applying[0]?.end(APPLIED);
  await until('offsets 2 and 3 are being applied', () => applying.length === 2);
  expect(loop.progress.position).toBe(2);
  expect(released).toEqual([]);
  applying[1]?.end(APPLIED);
  await until('all is applied', () => loop.progress.position === 4);
  await until('the memory is released', () => released.length === 2);
  expect(released).toEqual(['first', 'second']);
  loop.close();
  await loop.ended();
});

test('the memory of records that were not applied is not released', async () => {
  const { loop, applying } = loopWith(2);
  let isReleased = false;
  loop.push(
    fetched(0, 2, () => {
      isReleased = true;
    }),
  );
  await until('it is being applied', () => applying.length === 1);
  applying[0]?.end({ status: 'moved', position: undefined });
  await loop.ended();
  expect(isReleased).toBe(false);
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
  ['the server cancels the statement', cancelled],
  ['the driver times out', () => new Error('Query read timeout')],
])(
  'a batch that Postgres does not finish in time twice is halved: %s',
  { timeout: SLOW },
  async (_, refusal) => {
    const ledger = slowLedger(2, refusal);
    const { loop } = loopWith(8, ledger);
    loop.push(fetched(0, 8, () => {}));
    await until('all is applied', () => loop.progress.position === 8);
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
  const { loop } = loopWith(8, {
    apply: (batch) => {
      attempts += 1;
      if (attempts > 3) return ledger.apply(batch);
      throw Object.assign(new Error('lock timeout'), { code: '55P03' });
    },
  });
  loop.push(fetched(0, 8, () => {}));
  await until('all is applied', () => loop.progress.position === 8);
  expect(ledger.tried).toEqual([[0, 8]]);
  loop.close();
  await loop.ended();
});

// It once took a gap for compaction when the position had just been looked up again: offsets that
// retention deleted in between were applied as read.
test.each([
  ['later', 9],
  ['earlier', 3],
])('a fetch that begins %s than the requested offset is not applied', async (_, given) => {
  const { loop, applying, misplaced } = loopWith(10);
  loop.push(fetched(0, 5, () => {}));
  loop.push(fetched(given, 12, () => {}));

  expect(misplaced).toEqual([{ asked: 5, given }]);
  await loop.ended();
  expect(applying.map(({ batch }) => batch.nextOffset)).toEqual([]);
});

test('a first fetch that begins after the position is not applied', async () => {
  const { loop, applying, misplaced } = loopWith(10);
  loop.push(fetched(9, 12, () => {}));

  expect(misplaced).toEqual([{ asked: 0, given: 9 }]);
  await loop.ended();
  expect(applying).toEqual([]);
});

test('a loop that has reached `until` neither resyncs nor halts for what comes after', async () => {
  const ledger = { apply: async () => APPLIED };
  const { loop, misplaced, pauses } = loopWith(8, ledger, 2);
  loop.push(fetched(0, 4, () => {}));
  await until('the range is applied', () => loop.progress.position === 2);
  loop.push(fetched(4, 6, () => {}));
  loop.unreadable({ topic: 'calls', partition: 0, fromOffset: 2, why: 'a wrong checksum' });
  await new Promise((resolve) => setImmediate(resolve));
  expect({ isRunning: loop.isRunning, misplaced }).toEqual({ isRunning: true, misplaced: [] });
  expect(pauses()).toBe(2);
  loop.close();
  await loop.ended();
});

/** Longer than any test: whoever waits for its end waits for ever. */
const ENDLESS_MS = 1_000_000;

test('few records wait for more until the end of the window, and are one batch', async () => {
  const { loop, applying } = loopWith(100, undefined, undefined, 20);
  loop.push(fetched(0, 1, () => {}));
  loop.push(fetched(1, 3, () => {}));
  await until('it is applied', () => applying.length === 1);
  expect(applying[0]?.batch).toMatchObject({ fromOffset: 0, nextOffset: 3 });
  applying[0]?.end(APPLIED);
  await until('the position has moved', () => loop.progress.position === 3);
  loop.close();
  await loop.ended();
});

test.each([
  ['a full batch', 3, undefined, 3],
  ['what reaches `until`', 100, 2, 2],
  ['what the broker has more after', 100, undefined, 50],
])('%s does not wait for the window', async (_, maxEvents, end, endOffset) => {
  const { loop, applying } = loopWith(maxEvents, undefined, end, ENDLESS_MS);
  loop.push({ ...fetched(0, 3, () => {}), endOffset });
  await until('it is applied', () => applying.length === 1);
  loop.close();
  applying[0]?.end(APPLIED);
  await loop.ended();
});

test('records that wait for the window wait no more when the next ones fill the batch', async () => {
  const { loop, applying } = loopWith(3, undefined, undefined, ENDLESS_MS);
  loop.push(fetched(0, 1, () => {}));
  loop.push(fetched(1, 3, () => {}));
  await until('it is applied', () => applying.length === 1);
  expect(applying[0]?.batch.nextOffset).toBe(3);
  loop.close();
  applying[0]?.end(APPLIED);
  await loop.ended();
});

test('a loop that is closed during the window ends at once, and applies nothing', async () => {
  const { loop, applying } = loopWith(100, undefined, undefined, ENDLESS_MS);
  loop.push(fetched(0, 1, () => {}));
  await new Promise((resolve) => setImmediate(resolve));
  loop.close();
  await loop.ended();
  expect(applying).toEqual([]);
});

test('a partition that cannot be read any further halts without waiting for the window', async () => {
  const { loop, applying } = loopWith(100, undefined, undefined, ENDLESS_MS);
  loop.push(fetched(0, 1, () => {}));
  loop.unreadable({ topic: 'calls', partition: 0, fromOffset: 1, why: 'a wrong checksum' });
  await until('what was fetched is applied', () => applying.length === 1);
  applying[0]?.end(APPLIED);
  await until('it halts', () => loop.isHalted);
  loop.close();
  await loop.ended();
});
