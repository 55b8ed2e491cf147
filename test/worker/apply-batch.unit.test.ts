import { expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import type { ApplyResult } from '../../src/ledger/ledger.ts';
import type { Position } from '../../src/ledger/position.ts';
import type { Batch } from '../../src/records/message.ts';
import { BatchApplier } from '../../src/worker/apply-batch.ts';
import { BatchPermits } from '../../src/worker/batch-permits.ts';
import { DependencyRetry } from '../../src/worker/dependency-retry.ts';
import { PartitionProgress } from '../../src/worker/partition-progress.ts';
import { ignored } from '../ledger/messages.ts';

const APPLIED: ApplyResult = {
  status: 'applied',
  counts: { applied: 0, duplicate: 0, ignored: 5, conflict: 0, dead_letter: 0 },
  otherAccounts: 0,
};
const where = { groupId: 'group', topic: 'calls', partition: 0, pass: 3, generation: 0 };
const batch: Batch = {
  ...where,
  fromOffset: 10,
  nextOffset: 20,
  messages: Array.from({ length: 10 }, (_, i) => ignored(undefined, 10 + i)),
  metricOf: () => {
    throw new Error('nothing is billed here');
  },
};

/** Applies `batch` with a ledger that loses the first answer, then finds the group at `position`. */
async function applyAfterLostAnswer(position: Position | undefined) {
  const attempts: [from: number, messages: number][] = [];
  const copied: number[] = [];
  const answers = [
    () => Promise.reject(new Error('Connection terminated unexpectedly')),
    async (): Promise<ApplyResult> => ({ status: 'moved', position }),
  ];
  const logger = createLogger('fatal');
  const isRunning = () => true;
  const progress = new PartitionProgress(where, { nextOffset: 10, endOffset: 20, advancedAt: 0 });
  const permits = new BatchPermits(1);
  await permits.acquire();
  const applier = new BatchApplier({
    ledger: {
      apply: ({ fromOffset, messages }) => {
        attempts.push([fromOffset, messages.length]);
        return answers.shift()?.() ?? Promise.resolve(APPLIED);
      },
    },
    logger,
    progress,
    retry: new DependencyRetry({ progress, permits, logger, isRunning }),
    permits,
    shared: undefined,
    deadLetterLimit: 1,
    judgedFrom: 0,
    isRunning,
    onMoved: () => copied.push(progress.position),
    onApplied: () => {},
  });
  const end = await applier.apply(batch);
  return { end, attempts, copied };
}

const WHOLE = [
  [10, 10],
  [10, 10],
];

test('a commit whose answer was lost is found by the position, and not applied again', async () => {
  expect(await applyAfterLostAnswer({ nextOffset: 20, pass: 3 })).toEqual({
    end: { kind: 'done' },
    attempts: WHOLE,
    copied: [20],
  });
});

test('a commit of the first part whose answer was lost is followed by the rest', async () => {
  expect(await applyAfterLostAnswer({ nextOffset: 14, pass: 3 })).toEqual({
    end: { kind: 'done' },
    attempts: [...WHOLE, [14, 6]],
    copied: [14, 20],
  });
});

test.each([
  ['there is none', undefined],
  ['it has not moved', { nextOffset: 10, pass: 3 }],
  ['it is past the batch', { nextOffset: 21, pass: 3 }],
  ['it is of another pass', { nextOffset: 14, pass: 4 }],
])('a position that this batch did not write is reported: %s', async (_, found) => {
  expect(await applyAfterLostAnswer(found)).toEqual({
    end: { kind: 'moved', expected: { nextOffset: 10, pass: 3 }, found },
    attempts: WHOLE,
    copied: [],
  });
});
