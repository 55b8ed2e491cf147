import { expect, test } from 'vitest';
import { ALL_UTF8 } from '../../src/records/agent-event.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { validate } from '../../src/validate/validate.ts';
import { envelope, framed, written } from '../decode/avro/wire.ts';
import { agreed } from '../decode/columnar/agreed.ts';
import { llm } from '../identify/samples.ts';

/** A hostile message must not fill a session, the memory or the database with attributes. */

const attributesOf = (count: number, name = 'name', value = 'v') =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${name}${i}`, value]));

function problemOf(attributes: Record<string, string>): string | undefined {
  const event = { sessionId: 'call', accountId: null, notUtf8: ALL_UTF8 };
  const validated = validate({ ...event, attributes, metric: llm() });
  return validated.valid ? undefined : validated.detail;
}

/** Whether the fast path takes the event; what it takes, the reference path takes as well. */
const isTaken = (attributes: Record<string, string>) =>
  agreed(framed(written(loadEnvelopeSchema(), envelope(llm(), { attributes })))) !== undefined;

test.each([
  ['more names than an event may have', attributesOf(65), 'more than 64 attributes in one event'],
  ['100,000 names', attributesOf(100_000), 'more than 64 attributes in one event'],
  ['a long name', { ['n'.repeat(129)]: 'v' }, 'an attribute name has 129 characters'],
  ['a long value', { name: 'v'.repeat(1_025) }, 'an attribute has 1025 characters'],
])('an event with %s is refused', (_, attributes, problem) => {
  expect(problemOf(attributes)).toContain(problem);
  expect(isTaken(attributes)).toBe(false);
});

test('an event within the bounds is taken', () => {
  for (const attributes of [
    attributesOf(64),
    { ['n'.repeat(128)]: 'v'.repeat(1_024) },
    // Characters are counted, not the bytes or the halves of them.
    { ['𐍈'.repeat(128)]: '𐍈'.repeat(1_024) },
  ]) {
    expect(problemOf(attributes)).toBeUndefined();
  }
  expect(isTaken(attributesOf(63))).toBe(true);
  expect(isTaken({ ['n'.repeat(128)]: 'v' })).toBe(true);
});
