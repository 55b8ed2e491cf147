import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { StoredPosition } from '../../src/ledger/position.ts';
import type { CommittedOffset } from '../../src/source/partition-source.ts';
import { COMMIT_METADATA, decideStart, type Start } from '../../src/worker/start-offset.ts';

const position: StoredPosition = {
  nextOffset: 50,
  pass: 2,
  generation: 0,
  topicId: 'A',
  halt: undefined,
  judgedFrom: 0,
};
const topicId = 'A';
const bounds = { earliest: 10, latest: 100, topicId };
const ours = (nextOffset: number) => ({ nextOffset, metadata: `${COMMIT_METADATA} pass=2` });
const foreign = (nextOffset: number | undefined, metadata = '') => ({ nextOffset, metadata });
const continues = { kind: 'continue', position };

describe('without a position in Postgres, begin at the earliest offset', () => {
  test.each([undefined, foreign(undefined), foreign(70), ours(70)])(
    'whatever the group has committed: %j',
    (committed) => {
      expect(decideStart(undefined, committed, bounds)).toEqual({ kind: 'begin', offset: 10 });
    },
  );
});

describe('with a position that the broker holds', () => {
  test.each<[string, CommittedOffset | undefined]>([
    ['nothing is known of the group', undefined],
    ['the group has committed nothing', foreign(undefined)],
    ['the copy is the same', ours(50)],
    ['the copy lags, after a crash between the two commits', ours(20)],
    ['the copy is ahead', ours(60)],
    ['the group was set ahead', foreign(80)],
    ['the group was set to its position', foreign(50)],
  ])('continue from there when %s', (_, committed) => {
    expect(decideStart(position, committed, bounds)).toEqual(continues);
  });

  test.each([
    [49, 49],
    [10, 10],
    [0, 10],
  ])('begin another pass when the group was set back to %d: at %d', (asked, offset) => {
    const rewind = { kind: 'rewind', offset, position };
    expect(decideStart(position, foreign(asked), bounds)).toEqual(rewind);
    expect(decideStart(position, foreign(asked, 'another tool'), bounds)).toEqual(rewind);
  });

  test.each([
    ['at the earliest offset', { earliest: 50, latest: 100, topicId }],
    ['at the end', { earliest: 10, latest: 50, topicId }],
    ['in a partition that is empty from there', { earliest: 50, latest: 50, topicId }],
  ])('continue when it is %s', (_, others) => {
    expect(decideStart(position, ours(50), others)).toEqual(continues);
  });
});

describe('offsets are lost', () => {
  test('when retention deleted them before they were read: they are named', () => {
    expect(decideStart(position, ours(50), { earliest: 60, latest: 100, topicId })).toEqual({
      kind: 'lost',
      position,
      why: 'offsets 50 to 59 were deleted before they were read',
      isPassing: false,
    });
  });

  // It was a replay from offset 60 that reported nothing about offsets 50 to 59.
  test('also when the group was set back at the same time', () => {
    const start = decideStart(position, foreign(20), { earliest: 60, latest: 100, topicId });
    expect(start).toMatchObject({ kind: 'lost', why: expect.stringContaining('50 to 59') });
  });

  test('when the partition ends before the position', () => {
    const start = decideStart(position, ours(50), { earliest: 0, latest: 49, topicId });
    expect(start).toMatchObject({
      kind: 'lost',
      why: expect.stringContaining('ends at 49, before the position 50'),
      isPassing: true,
    });
  });

  test('not when the group was set back to what a recreated partition has', () => {
    const start = decideStart(position, foreign(0), { earliest: 0, latest: 20, topicId });
    expect(start).toEqual({ kind: 'rewind', offset: 0, position });
  });

  test('when the topic was recreated, however far it is filled: both ids and both ranges are named', () => {
    const recreated = { earliest: 0, latest: 70, topicId: 'B' };
    expect(decideStart(position, ours(50), recreated)).toMatchObject({
      kind: 'lost',
      why:
        'the topic was recreated: position 50 belongs to topic id A, ' +
        'the broker has topic id B with offsets 0 to 69',
      isPassing: false,
    });
    // What the group was set back to may have been in the topic before.
    expect(decideStart(position, foreign(20), recreated)).toMatchObject({ kind: 'lost' });
  });

  test.each([
    ['the broker', { ...position }, { ...bounds, topicId: undefined }],
    ['the position', { ...position, topicId: undefined }, bounds],
  ])('not when %s knows no topic id', (_, stored, view) => {
    expect(decideStart(stored, ours(50), view)).toMatchObject({ kind: 'continue' });
  });

  test('when the position was not there at the fetch, although the partition holds it now', () => {
    const fetch = { asked: 52, given: 10 };
    expect(decideStart(position, ours(50), bounds, fetch)).toMatchObject({
      kind: 'lost',
      why: expect.stringContaining('there was no offset 52'),
      isPassing: false,
    });
    // Not where a fetch goes that was out of range: the consumer began somewhere by itself.
    const other = { asked: 52, given: 30 };
    expect(decideStart(position, ours(50), bounds, other)).toMatchObject({ kind: 'continue' });
  });

  test('for as long as nobody has decided, also when the partition holds the position again', () => {
    const halt = { kind: 'lost_offsets', cause: 'it was', ageMs: 5 } as const;
    expect(decideStart({ ...position, halt }, ours(50), bounds)).toMatchObject({
      kind: 'lost',
      why: 'it was',
    });
  });

  test('when the group was set back to an offset that the partition does not have', () => {
    const start = decideStart(position, foreign(30), { earliest: 0, latest: 20, topicId });
    expect(start).toMatchObject({ kind: 'lost' });
  });
});

test('it always begins at an offset that the broker holds, and never skips one silently', () => {
  const offset = fc.nat(20);
  const committed = fc.option(
    fc.record({
      nextOffset: fc.option(offset, { nil: undefined }),
      metadata: fc.constantFrom('', COMMIT_METADATA, `${COMMIT_METADATA} pass=1`, 'x'),
    }),
    { nil: undefined },
  );
  const offsetOf = (start: Start) =>
    start.kind === 'continue'
      ? start.position.nextOffset
      : 'offset' in start
        ? start.offset
        : undefined;
  fc.assert(
    fc.property(offset, committed, offset, offset, (nextOffset, group, a, b) => {
      const [earliest, latest] = [Math.min(a, b), Math.max(a, b)];
      const at = offsetOf(
        decideStart({ ...position, nextOffset }, group, {
          earliest,
          latest,
          topicId,
        }),
      );
      if (at === undefined) {
        expect(nextOffset < earliest || nextOffset > latest).toBe(true);
      } else {
        expect(at).toBeGreaterThanOrEqual(earliest);
        expect(at).toBeLessThanOrEqual(latest);
        expect(at).toBeLessThanOrEqual(nextOffset);
      }
    }),
    { numRuns: 2_000 },
  );
});
