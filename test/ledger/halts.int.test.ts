import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { haltOf } from '../../src/ledger/halt.ts';
import { begin, keepHalt, positionsOf, resume } from '../../src/ledger/positions.ts';
import { verify } from '../../src/verify/verify.ts';
import { Worker } from '../../src/worker/worker.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { ScriptedSource } from '../support/scripted-source.ts';
import { until } from '../support/until.ts';

const TOPIC = 'calls';
const where = { groupId: 'group', topic: TOPIC, partition: 0 };

let world: LedgerWorld;
let source: ScriptedSource;
let worker: Worker;
beforeAll(async () => {
  world = await newLedgerWorld();
});
beforeEach(async () => {
  await world.clear();
  source = new ScriptedSource(TOPIC, 20);
  await begin(world.database, where, 10, source.id);
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
    source,
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
const isRead = async () => (await positionOf())?.nextOffset === source.end;

// It was halted: a broker that has just started may report a lower end offset than it has.
test('an end offset that is too low once does not halt the partition', async () => {
  let looks = 0;
  source.boundsNow = () => {
    looks += 1;
    return { earliest: 0, latest: looks < 3 ? 4 : 20 };
  };
  await worker.start();
  await until('it is read', isRead);
  expect(state()).toBe('running');
  expect(await positionOf()).toMatchObject({ pass: 0, generation: 0 });
});

test('an end offset that stays too low halts it; once it is back, the offsets between are read again', async () => {
  source.boundsNow = () => ({ earliest: 0, latest: 4 });
  await worker.start();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/ends at 4, before the position 10/);
  await until('the halt is stored', async () => (await positionOf())?.halt !== undefined);

  source.boundsNow = () => ({ earliest: 0, latest: 20 });
  await until('it is read', isRead);
  expect(source.sought).toEqual([4]);
  expect(await positionOf()).toMatchObject({ pass: 1, generation: 1, halt: undefined });
  expect((await verify(world.database)).breaks).toEqual([]);
});

test('an end offset that comes back while no worker runs stays halted until a person decides', async () => {
  source.boundsNow = () => ({ earliest: 0, latest: 4 });
  await worker.start();
  await until('the halt is stored', async () => (await positionOf())?.halt !== undefined);
  await worker.stop(1_000);

  source.boundsNow = () => ({ earliest: 0, latest: 20 });
  worker = newWorker();
  await worker.start();
  await until('it halts', () => state() === 'halted');
  expect(source.sought).toEqual([]);
});

test('a fetch that finds the position deleted halts it, although the partition has it again', async () => {
  source.fetchesAt = () => 0;
  await worker.start();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/there was no offset 10 .* now .* 0 to 19/);
  expect(await positionOf()).toMatchObject({ nextOffset: 10 });
});

// Retention deletes offsets after the position was read and before the first fetch.
test('offsets that are deleted by the first fetch are not recorded as read', async () => {
  let looks = 0;
  source.boundsNow = () => {
    looks += 1;
    return { earliest: looks === 1 ? 0 : 15, latest: 20 };
  };
  source.fetchesAt = () => 15;
  await worker.start();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/offsets 10 to 14 were deleted/);
  expect(await positionOf()).toMatchObject({ nextOffset: 10 });
});

test('a topic whose id changes while it is assigned is halted, whatever its offsets', async () => {
  await worker.start();
  await until('it is read', isRead);
  source.id = '00000000-0000-4000-8000-00000000000b';
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(
    /position 20 belongs to topic id .*a, the broker has topic id .*b with offsets 0 to 19; .* accept-loss/,
  );
});

test('a topic of a ledger from before topic ids gets its id when it is first assigned', async () => {
  await world.clear();
  await begin(world.database, where, 10);
  await worker.start();
  await until('it is read', isRead);
  expect(await positionOf()).toMatchObject({ generation: 0, topicId: source.id });
});

test('a halt by DEAD_LETTER_LIMIT survives a rebalance, and ends with position resume', async () => {
  await worker.start();
  await until('it is read', isRead);
  // Noted by another worker, which had the partition meanwhile.
  const halt = haltOf('dead_letter_limit', where, 'too many');
  expect(await keepHalt(world.database, { ...where, nextOffset: 20, pass: 0 }, halt)).toBe(true);
  source.end = 30;
  source.assign();
  await until('it halts', () => state() === 'halted');
  expect(worker.status()[0]?.detail).toMatch(/^too many; .*position resume --topic calls/);

  expect(await resume(world.database, where, 25)).toBe(true);
  await until('it is read', isRead);
  expect(await positionOf()).toMatchObject({ nextOffset: 30, judgedFrom: 25, halt: undefined });
});
