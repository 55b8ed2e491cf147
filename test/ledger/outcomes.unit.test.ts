import { describe, expect, test } from 'vitest';
import { countOutcomes } from '../../src/ledger/outcomes.ts';
import { llm } from '../identify/samples.ts';
import { billable, ignored, sessionOf } from './messages.ts';

describe('the outcomes of a batch', () => {
  const tombstone = ignored(undefined);
  const event = billable(llm());
  const messages = [tombstone, ignored({}), event, event, event];
  const session = (outcomes: object) =>
    Object.assign(sessionOf(ignored({}), event, event, event), { outcomes });

  test('are one for each message', () => {
    const outcomes = { fresh: [event], duplicates: 1, conflicting: [event] };
    expect(countOutcomes(messages, [session(outcomes)], 0)).toEqual({
      applied: 1,
      duplicate: 1,
      ignored: 2,
      conflict: 1,
      dead_letter: 0,
    });
  });

  test('that are not one for each message are a bug', () => {
    const outcomes = { fresh: [event], duplicates: 1, conflicting: [] };
    expect(() => countOutcomes(messages, [session(outcomes)], 0)).toThrow(
      '5 messages have 4 outcomes',
    );
    expect(() => countOutcomes(messages, [session(outcomes)], 2)).toThrow(
      '5 messages have 6 outcomes',
    );
  });

  test('of a session that was not classified are a bug', () => {
    expect(() => countOutcomes([event], [sessionOf(event)], 0)).toThrow('was not classified');
  });
});
