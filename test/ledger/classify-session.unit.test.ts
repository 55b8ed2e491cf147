import { describe, expect, test } from 'vitest';
import { identify } from '../../src/identify/identity.ts';
import { classifySession, classifyUnchanged } from '../../src/ledger/classify-session.ts';
import { IdentitySet } from '../../src/ledger/identity-set.ts';
import type { SessionBatch } from '../../src/ledger/session-batch.ts';
import type { SessionState } from '../../src/ledger/session-cache.ts';
import type { Message } from '../../src/records/message.ts';
import { llm } from '../identify/samples.ts';
import { billable, ignored, sessionOf } from './messages.ts';

const nth = (i: number) => `${i}th`;
const metric = (request_id: string, fields = {}) => llm({ request_id, ...fields });

/** A session that is known, with these events in the ledger. */
function known(fields: Partial<SessionState> = {}, ...ids: string[]): SessionState {
  const identities = new IdentitySet();
  for (const id of ids) identities.add(identify(metric(id)));
  const bounds = {
    firstUs: 1_000,
    lastUs: 1_000,
    lastOffset: 0,
    attributes: new Set<string>(),
  };
  return { revision: 3n, period: '2026-01-01', accountId: null, ...bounds, identities, ...fields };
}

function classified(session: SessionBatch) {
  session.touched = { revision: 4n, period: '2026-01-01', accountId: null };
  classifySession(session);
  const { fresh = [], conflicting = [], duplicates } = session.outcomes ?? {};
  return { fresh: fresh.map(({ requestId }) => requestId), conflicting, duplicates };
}

describe('whether a batch may change a session', () => {
  const event = billable(metric('first'));

  test.each<[string, SessionState | undefined, Message, boolean]>([
    ['a new session', undefined, event, true],
    ['an event that is not in the ledger', known(), event, true],
    ['an event that is', known({}, 'first'), event, false],
    ['a conflict', known({}, 'first'), billable(metric('first', { ttft: 9 })), false],
    ['an earlier time', known({ firstUs: 1_001, lastUs: 2_000 }, 'first'), event, true],
    ['a later time', known({ firstUs: 1, lastUs: 999 }, 'first'), event, true],
    ['a first account', known({}, 'first'), billable(metric('first'), { accountId: 'a' }), true],
    [
      'another account',
      known({ accountId: 'b' }, 'first'),
      billable(metric('first'), { accountId: 'a' }),
      false,
    ],
    ['what is not billed, within its times', known(), ignored({}), false],
    ['what is not billed, later', known(), ignored({ eventUs: 1_001 }), true],
  ])('with %s', (_, state, message, expected) => {
    const session = sessionOf(message);
    session.state = state;
    expect(classifyUnchanged(session)).toBe(!expected);
  });

  test('with other payloads at offsets that were applied before: they are duplicates', () => {
    const session = sessionOf(billable(metric('1', { ttft: 9 })), billable(metric('2')));
    session.state = known({}, '1');
    session.booked = new Set([0]);
    expect(classifyUnchanged(session)).toBe(true);
    expect(session.outcomes).toEqual({ fresh: [], duplicates: 2, conflicting: [] });
  });

  test('and the outcomes of its messages when it may not', () => {
    const other = billable(metric('first', { ttft: 9 }));
    const session = sessionOf(event, other, event);
    session.state = known({}, 'first');
    expect(classifyUnchanged(session)).toBe(true);
    expect(session.outcomes).toEqual({ fresh: [], duplicates: 2, conflicting: [other] });
  });

  test('and no outcome when it may', () => {
    const session = sessionOf(
      event,
      billable(metric('first', { ttft: 9 })),
      billable(metric('second')),
    );
    session.state = known({}, 'first');
    expect(classifyUnchanged(session)).toBe(false);
    expect(session.outcomes).toBeUndefined();
  });
});

describe('the outcome of an event', () => {
  test('of a session that is new: applied, and a second time within the batch a duplicate', () => {
    const session = sessionOf(
      billable(metric('first')),
      billable(metric('second')),
      billable(metric('first')),
    );
    expect(classified(session)).toEqual({
      fresh: ['first', 'second'],
      duplicates: 1,
      conflicting: [],
    });
    expect(session.billable.map(({ requestId }) => requestId)).toEqual([
      'first',
      'second',
      'first',
    ]);
  });

  test('with the identity of another one before it in the batch: a conflict', () => {
    const other = billable(metric('first', { prompt_tokens: 1 }));
    const session = sessionOf(billable(metric('first')), other, other, billable(metric('first')));
    expect(classified(session)).toEqual({
      fresh: ['first'],
      duplicates: 1,
      conflicting: [other, other],
    });
  });

  test('that is in the ledger: a duplicate, or a conflict by its payload', () => {
    const other = billable(metric('first', { ttft: 9 }));
    const session = sessionOf(billable(metric('first')), other);
    session.state = known({}, 'first');
    expect(classified(session)).toEqual({ fresh: [], duplicates: 1, conflicting: [other] });
  });

  test('among many fresh ones, with duplicates and conflicts between them', () => {
    const messages = Array.from({ length: 200 }, (_, i) => billable(metric(nth(i % 90))));
    const conflict = billable(metric(nth(3), { prompt_tokens: 1 }));
    messages.splice(40, 0, conflict);
    expect(classified(sessionOf(...messages))).toEqual({
      fresh: Array.from({ length: 90 }, (_, i) => nth(i)),
      duplicates: 110,
      conflicting: [conflict],
    });
    // The next session shares the set of fresh identities, and nothing in it.
    const next = classified(sessionOf(...messages.slice(0, 30)));
    expect(next).toMatchObject({ fresh: { length: 30 }, duplicates: 0 });
  });

  test('that is fresh in a session which was not locked: a bug', () => {
    const session = sessionOf(billable(metric('first')));
    expect(() => classifySession(session)).toThrow('without a lock');
  });
});
