import { describe, expect, test } from 'vitest';
import { countOtherAccounts, sessionBatchesOf } from '../../src/ledger/session-batch.ts';
import type { Message } from '../../src/records/message.ts';
import { llm } from '../identify/samples.ts';
import { billable, ignored, sessionOf } from './messages.ts';

const metric = (request_id: string) => llm({ request_id });

describe('session batches', () => {
  test('keep the order of sessions and of messages, and leave out messages without a session', () => {
    const one = billable(metric('1'), { sessionId: 'b' });
    const two = billable(metric('2'), { sessionId: 'a' });
    const three = billable(metric('3'), { sessionId: 'b' });
    const deadLetter: Message = {
      kind: 'dead_letter',
      offset: 0,
      record: one.record,
      reason: 'undecodable',
      detail: '',
      schemaId: 7,
    };
    const sessions = sessionBatchesOf([ignored(undefined), one, deadLetter, two, three]);
    expect(sessions).toMatchObject([
      { sessionId: 'b', billable: [one, three] },
      { sessionId: 'a', billable: [two] },
    ]);
  });

  test('span the times of all messages, ignored ones included, and count those', () => {
    const session = sessionOf(
      billable(metric('1'), { eventUs: 500 }),
      ignored({ eventUs: 100 }),
      ignored({ eventUs: 900 }),
    );
    expect(session).toMatchObject({
      firstUs: 100,
      lastUs: 900,
      ignored: 2,
      billable: [{ eventUs: 500 }],
    });
  });

  test('have the first account that is named, and note that another one was', () => {
    const accounts = (...names: (string | null)[]) =>
      sessionOf(...names.map((accountId) => ignored({ accountId })));
    expect(accounts(null, 'a', null, 'a')).toMatchObject({
      accountId: 'a',
      namesOtherAccount: false,
    });
    expect(accounts('a', 'b', 'a')).toMatchObject({ accountId: 'a', namesOtherAccount: true });
  });

  test('have the first value of each attribute, of `__proto__` and of an empty one too', () => {
    const hostile = JSON.parse('{"__proto__":"x","b":"2"}');
    const session = sessionOf(
      ignored({ attributes: { a: '' } }),
      ignored({ attributes: { a: '1' } }),
      ignored({ attributes: hostile }),
    );
    expect(JSON.stringify(session.attributes)).toBe('{"a":"","__proto__":"x","b":"2"}');
    expect(({} as Record<string, unknown>)['b']).toBeUndefined();
  });
});

describe('the number of sessions with another account', () => {
  const named = (accountId: string | null, kept: string | null | undefined) => {
    const session = sessionOf(ignored({ accountId }));
    if (kept !== undefined) {
      session.touched = { revision: 1n, period: '2026-01-01', accountId: kept };
    }
    return session;
  };

  test('counts a message that names another account than the session keeps', () => {
    expect(countOtherAccounts([named('a', 'b')])).toBe(1);
    expect(countOtherAccounts([named('a', 'a'), named(null, 'b'), named('a', undefined)])).toBe(0);
  });

  test('counts a session of which two messages name two accounts', () => {
    const session = sessionOf(ignored({ accountId: 'a' }), ignored({ accountId: 'b' }));
    expect(countOtherAccounts([session])).toBe(1);
  });
});
