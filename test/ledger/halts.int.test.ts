import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { haltOf } from '../../src/ledger/halt.ts';
import { begin, keepHalt, positionsOf, resume } from '../../src/ledger/positions.ts';
import { verify } from '../../src/verify/verify.ts';
import { Worker } from '../../src/worker/worker.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { onePartition } from '../support/memory-source/one-partition.ts';
import { until } from '../support/until.ts';

const TOPIC = 'calls';
const where = { groupId: 'group', topic: TOPIC, partition: 0 };

let world: LedgerWorld;
let partition: ReturnType<typeof onePartition>;
let worker: Worker;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
  partition = onePartition(20);
  await begin(world.database, where, 10, partition.topicId());
  worker = newWorker();
});
afterEach(async () => {
  await worker.stop(1_000);
});
afterAll(async () => {
  await world.close();
});

function newWorker(): Worker {
  return new Worker({
    groupId: 'group',
    topics: [TOPIC],
    source: partition.source,
    database: world.database,
    ledger: world.ledger(),
    schemas: new SchemaCache(() => Promise.reject(new Error('nothing to ask for'))),
    logger: createLogger('fatal'),
    concurrentBatches: 1,
    maxEvents: 1_000,
    bufferBytes: 1_000_000,
    deadLetterLimit: 1,
  });
}
const state = () => worker.status()[0]?.state;
const positionOf = async () =>
  (await positionsOf(world.database, 'group', [TOPIC])).get(`${TOPIC}/0`);
/** What the broker says, whatever it has. */
const endsAt = (latest: number) => {
  partition.source.bounds = async () => new Map([[0, { earliest: 0, latest }]]);
};
/** Starts the worker, and holds its first fetch. */
const fetchHeld = async () => {
  partition.calls.hold((name) => name.includes('fetch'));
  await worker.start();
  await until('it is to be fetched', () => partition.calls.held.length === 1);
};
const isRead = async () => (await positionOf())?.nextOffset === partition.log().bounds.latest;

// It was halted: a broker that has just started may report a lower end offset than it has.
test('an end offset that is too low once does not halt the partition', async () => {
  let looks = 0;
  partition.source.bounds = async () => {
    looks += 1;
    return new Map([[0, { earliest: 0, latest: looks < 3 ? 4 : 20 }]]);
  };
  await worker.start();
  await until('it is read', isRead);
  expect(state()).toBe('running');
  expect(await positionOf()).toMatchObject({ pass: 0, generation: 0 });
});

test('an end offset that stays too low halts it; once it is back, the offsets between are read again', async () => {
  endsAt(4);
  await worker.start();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/ends at 4, before the position 10/);
  await until('the halt is stored', async () => (await positionOf())?.halt !== undefined);

  endsAt(20);
  await until('it is read', isRead);
  expect(partition.sought).toEqual([4]);
  expect(await positionOf()).toMatchObject({ pass: 1, generation: 1, halt: undefined });
  expect((await verify(world.database)).breaks).toEqual([]);
});

test('an end offset that comes back while no worker runs stays halted until a person decides', async () => {
  endsAt(4);
  await worker.start();
  await until('the halt is stored', async () => (await positionOf())?.halt !== undefined);
  await worker.stop(1_000);

  endsAt(20);
  worker = newWorker();
  await worker.start();
  await until('it halts', () => state() === 'halted');
  expect(partition.sought).toEqual([]);
});

test('a fetch that finds the position deleted halts it, although the partition has it again', async () => {
  await fetchHeld();
  partition.log().truncate(4);
  partition.calls.release();
  partition.append(16);
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/there was no offset 10 .* now .* 0 to 19/);
  expect(await positionOf()).toMatchObject({ nextOffset: 10 });
});

// Retention deletes offsets between the look at the position and the first fetch.
test('offsets that are deleted by the first fetch are not recorded as read', async () => {
  await fetchHeld();
  partition.log().deleteBefore(15);
  partition.calls.release();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/offsets 10 to 14 were deleted/);
  expect(await positionOf()).toMatchObject({ nextOffset: 10 });
});

test('a topic whose id changes while it is assigned is halted, whatever its offsets', async () => {
  await worker.start();
  await until('it is read', isRead);
  const before = partition.topicId();
  partition.recreate(20);
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toContain(
    `position 20 belongs to topic id ${before}, the broker has topic id ${partition.topicId()} ` +
      'with offsets 0 to 19; ',
  );
  expect(worker.status()[0]?.detail).toContain('position accept-loss');
});

test('a topic of a ledger from before topic ids gets its id when it is first assigned', async () => {
  await world.clear();
  await begin(world.database, where, 10);
  await worker.start();
  await until('it is read', isRead);
  expect(await positionOf()).toMatchObject({ generation: 0, topicId: partition.topicId() });
});

test('a halt by DEAD_LETTER_LIMIT survives a rebalance, and ends with position resume', async () => {
  await worker.start();
  await until('it is read', isRead);
  // Noted by another worker, which had the partition meanwhile.
  const halt = haltOf('dead_letter_limit', where, 'too many');
  expect(await keepHalt(world.database, { ...where, nextOffset: 20, pass: 0 }, halt)).toBe(true);
  partition.append(10);
  partition.assign();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/^too many; .*position resume --topic calls/);

  expect(await resume(world.database, where, 25)).toBe(true);
  await until('it is read', isRead);
  expect(await positionOf()).toMatchObject({ nextOffset: 30, judgedFrom: 25, halt: undefined });
});
