import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { ApplyResult, Ledger } from '../../src/ledger/ledger.ts';
import { inTransaction } from '../../src/postgres/database.ts';
import type { Message } from '../../src/records/message.ts';
import { Random } from '../../src/simulate/random.ts';
import { simulateEvents } from '../../src/simulate/simulate-events.ts';
import { verify } from '../../src/verify/verify.ts';
import { llm } from '../identify/samples.ts';
import { type BookedPartition, type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { encoded, messageAt } from '../support/messages.ts';

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterAll(async () => {
  await world.close();
});

let ledger: Ledger;
let partitions: BookedPartition[];
beforeEach(async () => {
  await world.clear();
  ledger = world.ledger();
  partitions = [];
  for (const partition of [0, 1, 2]) partitions.push(await world.partition(partition));
});

type Make = (offset: number) => Message;

const event =
  (session_id: string, request_id: string): Make =>
  (offset) =>
    messageAt(offset, encoded({ session_id, metric: llm({ request_id }) }));

/** Applies a batch of each partition in one transaction. */
async function together(batches: readonly (readonly [BookedPartition, readonly Make[]])[]) {
  const wanted = batches.map(([partition, make]) => partition.batch(make));
  const results = await ledger.applyTogether(wanted);
  results.forEach((result, i) => {
    if (result?.status === 'applied') batches[i]?.[0].moveTo(wanted[i]?.nextOffset ?? 0);
  });
  return results;
}

const statusOf = (results: readonly (ApplyResult | undefined)[]) =>
  results.map((result) => result?.status);
const partitionOf = (index: number) => partitions[index] as BookedPartition;

/** Rows of the books, and transactions that wrote pages. */
async function written() {
  const { rows } = await world.database.query(`SELECT
    (SELECT count(*)::int FROM consumed_range) AS ranges,
    (SELECT count(DISTINCT xmin::text)::int FROM ledger_page) AS transactions,
    (SELECT array_agg(DISTINCT kafka_partition ORDER BY kafka_partition) FROM ledger_page)
      AS partitions`);
  return rows[0];
}

async function balances(): Promise<void> {
  expect((await verify(world.database)).breaks).toEqual([]);
}

test('batches of several partitions are one transaction, each with its books', async () => {
  const results = await together(partitions.map((at, i) => [at, [event(`call ${i}`, 'r1')]]));
  expect(statusOf(results)).toEqual(['applied', 'applied', 'applied']);
  expect(await written()).toEqual({ ranges: 3, transactions: 1, partitions: [0, 1, 2] });
  await balances();
});

test('a position that another transaction holds is not waited for, and the others are applied', async () => {
  await inTransaction(world.database, async (connection) => {
    await connection.query('SELECT FROM consumer_position WHERE partition = 1 FOR UPDATE');
    const results = await together(partitions.map((at, i) => [at, [event(`call ${i}`, 'r1')]]));
    expect(statusOf(results)).toEqual(['applied', undefined, 'applied']);
  });
  await partitionOf(1).book(ledger, [event('call 1', 'r1')]);
  expect(await written()).toEqual({ ranges: 3, transactions: 2, partitions: [0, 1, 2] });
  await balances();
});

test('a batch whose position has moved is left out, and the others are applied', async () => {
  const stale = partitionOf(1).batch([event('call 1', 'r1')]);
  await partitionOf(1).book(world.ledger(), [event('call 1', 'r1')]);
  const results = await ledger.applyTogether([
    partitionOf(0).batch([event('call 0', 'r1')]),
    stale,
  ]);
  expect(results).toMatchObject([
    { status: 'applied' },
    { status: 'moved', position: { nextOffset: 1, pass: 0 } },
  ]);
  await balances();
});

test('a session in two of the batches is applied once in this transaction, then finds its duplicate', async () => {
  const results = await together([
    [partitionOf(0), [event('call', 'r1')]],
    [partitionOf(1), [event('call', 'r1'), event('call', 'r2')]],
  ]);
  expect(statusOf(results)).toEqual(['applied', undefined]);
  const alone = await partitionOf(1).book(ledger, [event('call', 'r1'), event('call', 'r2')]);
  expect(alone).toMatchObject({ counts: { applied: 1, duplicate: 1 } });
  await balances();
});

test('when one event is refused nothing of the transaction remains', async () => {
  const tooLarge: Make = (offset) =>
    messageAt(
      offset,
      encoded({ session_id: 'call 1', metric: llm({ prompt_tokens: 2_000_000_000 }) }),
    );
  await world.database.query(
    'ALTER TABLE session_model_usage ADD CONSTRAINT small CHECK (input_tokens < 1000000000)',
  );
  try {
    const batches = [
      [partitionOf(0), [event('call 0', 'r1')]],
      [partitionOf(1), [tooLarge]],
    ] as const;
    await expect(together(batches)).rejects.toThrow('small');
  } finally {
    await world.database.query('ALTER TABLE session_model_usage DROP CONSTRAINT small');
  }
  expect(await written()).toEqual({ ranges: 0, transactions: 0, partitions: null });
});

test('the sums are the same, however batches are grouped', async () => {
  const sums = async () =>
    (
      await world.database.query(
        `SELECT to_jsonb(billed) - 'updated_at' AS row FROM session_model_usage AS billed
          ORDER BY session_id, usage_type, provider, model`,
      )
    ).rows;
  const events = [...simulateEvents({ sessions: 12, seed: 5, liveSessions: 6 })].slice(0, 200);
  // Every tenth comes once more, and some calls in more than one partition.
  const random = new Random(9, 0);
  const all = events.flatMap((one, i) => (i % 10 === 0 ? [one, one] : [one]));
  const sent = all.map((one) => ({
    partition: random.chance(0.05)
      ? random.integer(0, 2)
      : Number.parseInt(one.session_id.slice(3, 5), 16) % 3,
    make: (offset: number) => messageAt(offset, encoded(one)),
  }));
  for (const { partition, make } of sent) await partitionOf(partition).book(ledger, [make]);
  const alone = await sums();

  await world.clear();
  ledger = world.ledger();
  partitions = [];
  for (const partition of [0, 1, 2]) partitions.push(await world.partition(partition));
  const queues = partitions.map((_, i) =>
    sent.filter(({ partition }) => partition === i).map(({ make }) => make),
  );
  while (queues.some((queue) => queue.length > 0)) {
    const sizes = queues.map((queue) => Math.min(queue.length, random.integer(0, 5)));
    const due = partitions
      .map((at, i) => [at, queues[i]?.slice(0, sizes[i]) ?? []] as const)
      .filter(([, make]) => make.length > 0);
    const before = partitions.map(({ position }) => position);
    const results = await together(due);
    for (const [i, [at, make]] of due.entries()) {
      if (results[i] === undefined) await at.book(ledger, make);
    }
    partitions.forEach((at, i) => void queues[i]?.splice(0, at.position - (before[i] ?? 0)));
  }
  expect(await sums()).toEqual(alone);
  await balances();
});
