import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { acceptLoss } from '../../src/ledger/accept-loss.ts';
import { Ledger } from '../../src/ledger/ledger.ts';
import type { PartitionView } from '../../src/ledger/position.ts';
import { begin, positionsOf } from '../../src/ledger/positions.ts';
import { setPosition } from '../../src/ledger/set-position.ts';
import { readSkipped } from '../../src/ledger/statements/unread.ts';
import { verify, verifyBooks } from '../../src/verify/verify.ts';
import { type LedgerWorld, newLedgerWorld } from '../support/ledger-world.ts';
import { decodedAgain } from '../support/messages.ts';

const TOPIC = 'ledger-world';
const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';
const where = { groupId: 'group', topic: TOPIC, partition: 0 };

let world: LedgerWorld;
beforeAll(async () => {
  world = await newLedgerWorld();
});
afterEach(async () => {
  await world.clear();
});
afterAll(async () => {
  await world.close();
});

const viewOf = (earliest: number, latest: number, topicId: string | undefined = A) => ({
  earliest,
  latest,
  topicId,
});
const positionOf = async (groupId: string) =>
  (await positionsOf(world.database, groupId, [TOPIC])).get(`${TOPIC}/0`);

/** Applies batches without messages up to `nextOffset`, as of a compacted topic. */
async function read(nextOffset: number, groupId = 'group'): Promise<void> {
  const position = await positionOf(groupId);
  if (position === undefined) throw new Error(`${groupId} has no position`);
  const { pass, generation, nextOffset: fromOffset } = position;
  if (nextOffset === fromOffset) return;
  const ledger = new Ledger(world.database, { cacheBytes: 1_000 });
  const result = await ledger.apply({
    ...where,
    groupId,
    pass,
    generation,
    fromOffset,
    nextOffset,
    messages: [],
    metricOf: decodedAgain,
  });
  expect(result.status).toBe('applied');
}

async function ranges(): Promise<unknown[]> {
  const { rows } = await world.database.query(
    `SELECT pass, generation AS g, first_offset::int AS first, next_offset::int AS next, decision
      FROM consumed_range ORDER BY pass, first_offset`,
  );
  return rows;
}

const set = (view: PartitionView, offset: number, skipUnread = false) =>
  setPosition(world.database, where, view, offset, { skipUnread });

describe('accept-loss', () => {
  // It once ended in "a bug … duplicate key": both put an empty range at the same offset.
  test('is possible after position set in the same topic', async () => {
    await begin(world.database, where, 0, A);
    await read(20);
    await set(viewOf(0, 20), 5);

    expect(await acceptLoss(world.database, where, viewOf(9, 20))).toBe(
      'loss of offsets 5 to 8 accepted',
    );

    expect(await ranges()).toEqual([
      { pass: 0, g: 0, first: 0, next: 20, decision: null },
      { pass: 1, g: 0, first: 5, next: 9, decision: 'lost' },
    ]);
    const { rows } = await world.database.query('SELECT note FROM consumed_range WHERE pass = 1');
    expect(rows[0].note).toBe('position set from 20 to 5; loss of offsets 5 to 8 accepted');
    expect((await verify(world.database)).breaks).toEqual([]);
  });

  test('is possible twice in a recreated topic, the second time for offsets that retention deleted', async () => {
    await begin(world.database, where, 0, A);
    await read(20);
    expect(await acceptLoss(world.database, where, viewOf(0, 0, B))).toMatch(/reading it from 0/);
    expect(await acceptLoss(world.database, where, viewOf(4, 10, B))).toMatch(/offsets 0 to 3/);
    expect(await positionOf('group')).toMatchObject({ nextOffset: 4, generation: 1, topicId: B });
    expect((await verify(world.database)).breaks).toEqual([]);
  });

  test('in the second partition of a recreated topic begins no further generation', async () => {
    for (const topicId of [A, undefined]) {
      await world.clear();
      for (const partition of [0, 1]) {
        await begin(world.database, { ...where, partition }, 20, topicId);
      }
      const view = viewOf(0, 5, topicId && B);
      for (const partition of [0, 1])
        await acceptLoss(world.database, { ...where, partition }, view);
      const positions = await positionsOf(world.database, 'group', [TOPIC]);
      expect([...positions.values()].map(({ generation }) => generation)).toEqual([1, 1]);
    }
  });
});

describe('position set over offsets that were never read', () => {
  test('is refused with their number, unless they are to be skipped', async () => {
    await begin(world.database, where, 0, A);
    await read(5);

    await expect(set(viewOf(0, 300), 224)).rejects.toThrow(
      /of offsets 5 to 223, 219 were never read; .*--skip-unread/,
    );
    expect(await ranges()).toEqual([{ pass: 0, g: 0, first: 0, next: 5, decision: null }]);
    expect(await positionOf('group')).toMatchObject({ nextOffset: 5, pass: 0 });

    expect(await set(viewOf(0, 300), 224, true)).toMatch(/219 offsets were skipped/);
    expect(await ranges()).toEqual([
      { pass: 0, g: 0, first: 0, next: 5, decision: null },
      { pass: 0, g: 0, first: 5, next: 224, decision: 'skipped' },
      { pass: 1, g: 0, first: 224, next: 224, decision: null },
    ]);
    expect(await verify(world.database)).toMatchObject({
      ok: true,
      skipped: [{ group_id: 'group', topic: TOPIC, first_offset: '5', next_offset: '224' }],
    });
  });

  test('skips no more those that are read later: some of them, then all', async () => {
    await begin(world.database, where, 0, A);
    await set(viewOf(0, 30), 30, true);
    await begin(world.database, { ...where, groupId: 'group.replay-1' }, 10, A);
    await read(20, 'group.replay-1');
    const open = async () =>
      (await readSkipped.run(world.database, {})).map((row) => [row.first_offset, row.next_offset]);
    expect(await open()).toEqual([
      ['0', '10'],
      ['20', '30'],
    ]);
    await begin(world.database, { ...where, groupId: 'group.replay-2' }, 0, A);
    await read(30, 'group.replay-2');
    expect(await open()).toEqual([]);
  });

  test('is refused for a group without a position, and in a recreated topic, too', async () => {
    await expect(set(viewOf(3, 30), 10)).rejects.toThrow(/of offsets 3 to 9, 7 were never read/);
    expect(await positionOf('group')).toBeUndefined();
    await begin(world.database, where, 0, A);
    await read(20);
    await expect(set(viewOf(0, 50, B), 20)).rejects.toThrow(/of offsets 0 to 19, 20 were never/);
    expect(await set(viewOf(0, 50, B), 20, true)).toMatch(/20 offsets were skipped/);
    expect(await positionOf('group')).toMatchObject({ nextOffset: 20, generation: 1, topicId: B });
    expect((await verify(world.database)).breaks).toEqual([]);
  });

  test('needs no flag for what an earlier pass, or another group, has read', async () => {
    await begin(world.database, where, 0, A);
    await read(12);
    await set(viewOf(0, 30), 5);
    await begin(world.database, { ...where, groupId: 'other' }, 12, A);
    await read(20, 'other');
    expect(await set(viewOf(0, 30), 20)).toBe('position set from 5 to 20');
    expect((await verify(world.database)).skipped).toEqual([]);
  });
});

test('the books balance after any sequence of decisions and batches', async () => {
  const some = fc.nat(12);
  const step = fc.oneof(
    fc.record({ kind: fc.constant('read' as const), by: some }),
    fc.record({ kind: fc.constant('set' as const), by: some }),
    fc.record({ kind: fc.constant('retention' as const), by: some }),
    fc.record({ kind: fc.constantFrom('recreated' as const, 'cut' as const), by: some }),
    fc.record({ kind: fc.constant('accept-loss' as const), by: some }),
  );
  const ids = fc.boolean();
  await fc.assert(
    fc.asyncProperty(ids, fc.array(step, { minLength: 1, maxLength: 10 }), async (named, steps) => {
      await world.clear();
      let life = 0;
      const at = (earliest: number, latest: number): PartitionView => {
        const topicId = named ? `00000000-0000-4000-8000-00000000000${life}` : undefined;
        return { earliest, latest, topicId };
      };
      let view = at(0, 20);
      await begin(world.database, where, 0, view.topicId);
      for (const { kind, by } of steps) {
        const { earliest, latest, topicId } = view;
        const { nextOffset } = (await positionOf('group')) ?? { nextOffset: 0 };
        const isLost =
          nextOffset < earliest ||
          nextOffset > latest ||
          (named && (await positionOf('group'))?.topicId !== topicId);
        if (kind === 'read' && !isLost) await read(Math.min(nextOffset + by, latest));
        if (kind === 'set') await set(view, Math.min(earliest + by, latest), true);
        if (kind === 'retention') view = at(Math.min(earliest + by, latest), latest + by);
        if (kind === 'cut') view = at(earliest, Math.max(latest - by, earliest));
        if (kind === 'recreated') {
          life += 1;
          view = at(0, by);
        }
        if (kind === 'accept-loss') {
          const accepted = acceptLoss(world.database, where, view);
          if (isLost) await accepted;
          else await expect(accepted).rejects.toThrow(/nothing is lost/);
        }
        const broken = [...(await verifyBooks(world.database))].filter(([, count]) => count > 0);
        expect(broken).toEqual([]);
      }
    }),
    { numRuns: 60 },
  );
});
