import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommittedOffset } from '../../src/consume/partition-source.ts';
import { COMMIT_METADATA, decideStart, type Start } from '../../src/pipeline/start-offset.ts';

const position = { nextOffset: 50, pass: 2 };
const bounds = { earliest: 10, latest: 100 };
const ours = (nextOffset: number) => ({ nextOffset, metadata: `${COMMIT_METADATA} pass=2` });
const somebodys = (nextOffset: number | undefined, metadata = '') => ({ nextOffset, metadata });
const goesOn = { kind: 'continue', position };

describe('without a position in Postgres, begin at the earliest offset', () => {
  test.each([undefined, somebodys(undefined), somebodys(70), ours(70)])(
    'whatever the broker remembers: %j',
    (committed) => {
      expect(decideStart(undefined, committed, bounds)).toEqual({ kind: 'begin', offset: 10 });
    },
  );
});

describe('with a position that the broker holds', () => {
  test.each<[string, CommittedOffset | undefined]>([
    ['nothing is known of the group', undefined],
    ['the group has committed nothing', somebodys(undefined)],
    ['the copy is the same', ours(50)],
    ['the copy is behind, after a crash between the two commits', ours(20)],
    ['the copy is ahead', ours(60)],
    ['somebody set the group ahead', somebodys(80)],
    ['somebody set the group to where it stands', somebodys(50)],
  ])('go on from there when %s', (_, committed) => {
    expect(decideStart(position, committed, bounds)).toEqual(goesOn);
  });

  test.each([
    [49, 49],
    [10, 10],
    [0, 10],
  ])('begin another pass when somebody set the group back to %d: at %d', (asked, offset) => {
    const rewind = { kind: 'rewind', offset, fromPass: 2 };
    expect(decideStart(position, somebodys(asked), bounds)).toEqual(rewind);
    expect(decideStart(position, somebodys(asked, 'another tool'), bounds)).toEqual(rewind);
  });

  test.each([
    ['at the earliest offset', { earliest: 50, latest: 100 }],
    ['at the end', { earliest: 10, latest: 50 }],
    ['in a partition that is empty from there', { earliest: 50, latest: 50 }],
  ])('go on when it is %s', (_, others) => {
    expect(decideStart(position, ours(50), others)).toEqual(goesOn);
  });
});

describe('offsets are lost', () => {
  test('when retention deleted them before they were read: they are named', () => {
    expect(decideStart(position, ours(50), { earliest: 60, latest: 100 })).toEqual({
      kind: 'lost',
      position,
      why: 'offsets 50 to 59 were deleted before they were read',
    });
  });

  // It once was a replay from offset 60, and nobody was told of offsets 50 to 59.
  test('also when somebody set the group back at the same time', () => {
    const start = decideStart(position, somebodys(20), { earliest: 60, latest: 100 });
    expect(start).toMatchObject({ kind: 'lost', why: expect.stringContaining('50 to 59') });
  });

  test('when the partition ends before the position', () => {
    const start = decideStart(position, ours(50), { earliest: 0, latest: 49 });
    expect(start).toMatchObject({
      kind: 'lost',
      why: expect.stringContaining('ends at 49, before the position 50'),
    });
  });

  test('not when somebody set the group back to what a partition made anew has', () => {
    const start = decideStart(position, somebodys(0), { earliest: 0, latest: 20 });
    expect(start).toEqual({ kind: 'rewind', offset: 0, fromPass: 2 });
  });

  test('when the group was set back to an offset that the partition does not have', () => {
    const start = decideStart(position, somebodys(30), { earliest: 0, latest: 20 });
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
      const at = offsetOf(decideStart({ nextOffset, pass: 0 }, group, { earliest, latest }));
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
