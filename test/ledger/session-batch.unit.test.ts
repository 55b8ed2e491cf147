import { describe, expect, test } from 'vitest';
import { identify } from '../../src/identify/identity.ts';
import { IdentitySet } from '../../src/ledger/identity-set.ts';
import {
  classifyUnchanged,
  type SessionBatch,
  sessionsOf,
  settle,
} from '../../src/ledger/session-batch.ts';
import type { SessionState } from '../../src/ledger/session-cache.ts';
import type { Message } from '../../src/records/message.ts';
import { llm } from '../identify/samples.ts';
import { billable, ignored } from './messages.ts';

const metric = (request_id: string, fields = {}) => llm({ request_id, ...fields });

function workOf(...messages: Message[]): SessionBatch {
  const [work] = sessionsOf(messages).values();
  if (work === undefined) throw new Error('no session');
  return work;
}

/** A session that is known, with these events in the ledger. */
function known(fields: Partial<SessionState> = {}, ...ids: string[]): SessionState {
  const identities = new IdentitySet();
  for (const id of ids) identities.add(identify(metric(id)));
  const bounds = { firstUs: 1_000, lastUs: 1_000, attributes: new Set<string>() };
  return { revision: 3n, period: '2026-01-01', accountId: null, ...bounds, identities, ...fields };
}

function settled(work: SessionBatch) {
  work.touched = { revision: 4n, period: '2026-01-01', accountId: null };
  const counts = { applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 };
  settle(work, counts);
  return counts;
}

describe('a batch by session', () => {
  test('keeps the order of sessions and of events, and leaves out what has no session', () => {
    const one = billable(metric('1'), { sessionId: 'b' });
    const two = billable(metric('2'), { sessionId: 'a' });
    const three = billable(metric('3'), { sessionId: 'b' });
    const letter: Message = {
      kind: 'dead_letter',
      offset: 0,
      record: one.record,
      reason: 'undecodable',
      detail: '',
      schemaId: 7,
    };
    const sessions = sessionsOf([ignored(undefined), one, letter, two, three]);
    expect([...sessions.keys()]).toEqual(['b', 'a']);
    expect(sessions.get('b')?.billable).toEqual([one, three]);
  });

  test('spans the times of all messages, also of those that are not billed', () => {
    const work = workOf(
      billable(metric('1'), { eventUs: 500 }),
      ignored({ eventUs: 100 }),
      ignored({ eventUs: 900 }),
    );
    expect(work).toMatchObject({ firstUs: 100, lastUs: 900, billable: [{ eventUs: 500 }] });
  });

  test('has the first account that is named, and notes that another one was', () => {
    const accounts = (...names: (string | null)[]) =>
      workOf(...names.map((accountId) => ignored({ accountId })));
    expect(accounts(null, 'a', null, 'a')).toMatchObject({
      accountId: 'a',
      namesOtherAccount: false,
    });
    expect(accounts('a', 'b', 'a')).toMatchObject({ accountId: 'a', namesOtherAccount: true });
  });

  test('has the first value of each attribute, `__proto__` and the empty one too', () => {
    const hostile = JSON.parse('{"__proto__":"x","b":"2"}');
    const work = workOf(
      ignored({ attributes: { a: '' } }),
      ignored({ attributes: { a: '1' } }),
      ignored({ attributes: hostile }),
    );
    expect(JSON.stringify(work.attributes)).toBe('{"a":"","__proto__":"x","b":"2"}');
    expect(({} as Record<string, unknown>)['b']).toBeUndefined();
  });
});

const none = () => ({ applied: 0, duplicate: 0, ignored: 0, conflict: 0, dead_letter: 0 });

describe('whether a batch may change a session', () => {
  const event = billable(metric('1'));

  test.each<[string, SessionState | undefined, Message, boolean]>([
    ['a new session', undefined, event, true],
    ['an event that is not in the ledger', known(), event, true],
    ['an event that is', known({}, '1'), event, false],
    ['a conflict', known({}, '1'), billable(metric('1', { ttft: 9 })), false],
    ['an earlier time', known({ firstUs: 1_001, lastUs: 2_000 }, '1'), event, true],
    ['a later time', known({ firstUs: 1, lastUs: 999 }, '1'), event, true],
    ['a first account', known({}, '1'), billable(metric('1'), { accountId: 'a' }), true],
    [
      'another account',
      known({ accountId: 'b' }, '1'),
      billable(metric('1'), { accountId: 'a' }),
      false,
    ],
    ['what is not billed, within its times', known(), ignored({}), false],
    ['what is not billed, later', known(), ignored({ eventUs: 1_001 }), true],
  ])('with %s', (_, state, message, expected) => {
    const work = workOf(message);
    work.state = state;
    expect(classifyUnchanged(work, none())).toBe(!expected);
  });

  test('and what became of the events when it may not', () => {
    const other = billable(metric('1', { ttft: 9 }));
    const work = workOf(event, other, event);
    work.state = known({}, '1');
    const counts = none();
    expect(classifyUnchanged(work, counts)).toBe(true);
    expect(counts).toEqual({ ...none(), duplicate: 2, conflict: 1 });
    expect(work.conflicting).toEqual([other]);
  });

  test('and nothing is decided when it may', () => {
    const work = workOf(event, billable(metric('1', { ttft: 9 })), billable(metric('2')));
    work.state = known({}, '1');
    const counts = none();
    expect(classifyUnchanged(work, counts)).toBe(false);
    expect(counts).toEqual(none());
    expect(work.conflicting).toEqual([]);
  });
});

describe('what becomes of an event', () => {
  test('of a session that is new: applied, and a second time within the batch a duplicate', () => {
    const work = workOf(billable(metric('1')), billable(metric('2')), billable(metric('1')));
    expect(settled(work)).toMatchObject({ applied: 2, duplicate: 1, conflict: 0 });
    expect(work.fresh.map((event) => event.requestId)).toEqual(['1', '2']);
  });

  test('with the identity of another one before it in the batch: a conflict', () => {
    const other = billable(metric('1', { prompt_tokens: 1 }));
    const work = workOf(billable(metric('1')), other, other, billable(metric('1')));
    expect(settled(work)).toMatchObject({ applied: 1, conflict: 2, duplicate: 1 });
    expect(work.conflicting).toEqual([other, other]);
    expect(work.fresh).toHaveLength(1);
  });

  test('that is in the ledger: a duplicate, or a conflict by its payload', () => {
    const work = workOf(billable(metric('1')), billable(metric('1', { ttft: 9 })));
    work.state = known({}, '1');
    expect(settled(work)).toMatchObject({ applied: 0, duplicate: 1, conflict: 1 });
    expect(work.fresh).toEqual([]);
  });

  test('among many that are fresh, with duplicates and conflicts between them', () => {
    const messages = Array.from({ length: 200 }, (_, i) => billable(metric(String(i % 90))));
    messages.splice(40, 0, billable(metric('3', { prompt_tokens: 1 })));
    const work = workOf(...messages);
    expect(settled(work)).toMatchObject({ applied: 90, duplicate: 110, conflict: 1 });
    expect(work.fresh.map((event) => event.requestId)).toEqual(
      Array.from({ length: 90 }, (_, i) => String(i)),
    );
    // The next session is not told by the one before it.
    expect(settled(workOf(...messages.slice(0, 30)))).toMatchObject({ applied: 30, duplicate: 0 });
  });

  test('that is fresh in a session which was not locked: a bug', () => {
    const work = workOf(billable(metric('1')));
    expect(() => settle(work, none())).toThrow('without its lock');
  });
});
