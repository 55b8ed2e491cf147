import { expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import type { ApplyResult } from '../../src/ledger/ledger.ts';
import type { Batch, Message } from '../../src/records/message.ts';
import { BatchPermits } from '../../src/worker/batch-permits.ts';
import { SharedTransactions } from '../../src/worker/shared-transactions.ts';

const APPLIED: ApplyResult = {
  status: 'applied',
  counts: { applied: 1, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 },
  otherAccounts: 0,
};
const wanted = () => true;

function batchOf(partition: number, messages = 1): Batch {
  return {
    groupId: 'group',
    topic: 'calls',
    partition,
    pass: 0,
    generation: 0,
    fromOffset: 0,
    nextOffset: messages,
    messages: new Array<Message>(messages).fill({} as Message),
    metricOf: () => {
      throw new Error('nothing to decode');
    },
  };
}

/** Over a ledger that answers with `answer`, and notes the partitions of each transaction. */
function sharedOver(
  answer: (batches: readonly Batch[]) => readonly (ApplyResult | undefined)[],
  maxEvents = 100,
) {
  const transactions: number[][] = [];
  const shared = new SharedTransactions({
    ledger: {
      applyTogether: async (batches) => {
        transactions.push(batches.map(({ partition }) => partition));
        return answer(batches);
      },
    },
    logger: createLogger('fatal'),
    permits: new BatchPermits(1),
    lingerMs: 1,
    maxEvents,
  });
  const apply = (batches: readonly Batch[], isWanted = wanted) =>
    Promise.all(batches.map((batch) => shared.apply(batch, isWanted)));
  return { shared, transactions, apply };
}

test('loops that wait for the window are due at the same moment', async () => {
  const { shared } = sharedOver(() => []);
  const first = shared.due();
  expect(shared.due()).toBe(first);
  await first;
  expect(shared.due()).not.toBe(first);
});

test('batches that are submitted in one turn share a transaction', async () => {
  const { transactions, apply } = sharedOver((batches) => batches.map(() => APPLIED));
  const results = await apply([batchOf(0), batchOf(1), batchOf(2)]);
  expect(transactions).toEqual([[0, 1, 2]]);
  expect(results.map((one) => one?.result)).toEqual([APPLIED, APPLIED, APPLIED]);
});

test('a transaction takes no more messages than a batch may have', async () => {
  const { transactions, apply } = sharedOver((batches) => batches.map(() => APPLIED), 5);
  await apply([batchOf(0, 2), batchOf(1, 2), batchOf(2, 2), batchOf(3, 2)]);
  expect(transactions).toEqual([
    [0, 1],
    [2, 3],
  ]);
});

test('a batch alone, and one that was left out, are applied as any other', async () => {
  const { transactions, apply } = sharedOver(() => [APPLIED, undefined]);
  expect(await apply([batchOf(0)])).toEqual([undefined]);
  expect(transactions).toEqual([]);
  const [first, second] = await apply([batchOf(0), batchOf(1)]);
  expect([first?.result, second]).toEqual([APPLIED, undefined]);
});

test('a batch of a loop that was closed meanwhile is not applied', async () => {
  const { transactions, shared, apply } = sharedOver((batches) => batches.map(() => APPLIED));
  const closed = shared.apply(batchOf(7), () => false);
  await apply([batchOf(0), batchOf(1)]);
  expect(await closed).toBeUndefined();
  expect(transactions).toEqual([[0, 1]]);
});

test('when Postgres does not answer, each is applied alone, for a while', async () => {
  const { transactions, apply } = sharedOver(() => {
    throw Object.assign(new Error('lock timeout'), { code: '55P03' });
  });
  expect(await apply([batchOf(0), batchOf(1)])).toEqual([undefined, undefined]);
  expect(await apply([batchOf(0), batchOf(1)])).toEqual([undefined, undefined]);
  expect(transactions).toEqual([[0, 1]]);
});

test('when Postgres refuses a value, each is applied alone this time', async () => {
  const { transactions, apply } = sharedOver(() => {
    throw Object.assign(new Error('value out of range'), { code: '22003' });
  });
  expect(await apply([batchOf(0), batchOf(1)])).toEqual([undefined, undefined]);
  expect(await apply([batchOf(0), batchOf(1)])).toEqual([undefined, undefined]);
  expect(transactions).toHaveLength(2);
});

test('a bug is not hidden by applying each alone', async () => {
  const { apply } = sharedOver(() => {
    throw new TypeError('a bug');
  });
  await expect(apply([batchOf(0), batchOf(1)])).rejects.toThrow('a bug');
});
