import { describe, expect, test } from 'vitest';
import type { AgentMetrics } from '../../src/livekit/types.ts';
import { type AgentEvent, ALL_UTF8 } from '../../src/records/agent-event.ts';
import { validate } from '../../src/validate/validate.ts';
import { eou, interruption, llm, realtime, stt, tts, vad } from '../identify/samples.ts';

/** An event with `value` as one of its texts. */
type EventWith = (value: string) => Partial<AgentEvent> & { metric: AgentMetrics };

const metadata = { model_name: null, model_provider: null };

/** Texts that are ids or names, and so have a longest length. */
const NAMES: Record<string, EventWith> = {
  session_id: (sessionId) => ({ sessionId, metric: llm() }),
  'session_id (VAD)': (sessionId) => ({ sessionId, metric: vad() }),
  account_id: (accountId) => ({ accountId, metric: llm() }),
  'llm request_id': (request_id) => ({ metric: llm({ request_id }) }),
  'tts request_id': (request_id) => ({ metric: tts({ request_id }) }),
  'stt request_id': (request_id) => ({ metric: stt({ request_id }) }),
  'realtime request_id': (request_id) => ({ metric: realtime({ request_id }) }),
  'tts segment_id': (segment_id) => ({ metric: tts({ segment_id }) }),
  'tts speech_id': (speech_id) => ({ metric: tts({ speech_id }) }),
  'llm speech_id': (speech_id) => ({ metric: llm({ speech_id }) }),
  model_name: (model_name) => ({ metric: stt({ metadata: { ...metadata, model_name } }) }),
  'interruption model_provider': (model_provider) => ({
    metric: interruption({ metadata: { ...metadata, model_provider } }),
  }),
};

/** Texts of any length. */
const TEXTS: Record<string, EventWith> = {
  'llm label': (label) => ({ metric: llm({ label }) }),
  'tts label': (label) => ({ metric: tts({ label }) }),
  'stt label': (label) => ({ metric: stt({ label }) }),
  'realtime label': (label) => ({ metric: realtime({ label }) }),
};

/** Their bounds are those of attributes, which have tests of their own. */
const ATTRIBUTES: Record<string, EventWith> = {
  'an attribute name': (name) => ({ attributes: { [name]: 'value' }, metric: llm() }),
  'an attribute': (value) => ({ attributes: { name: value }, metric: vad() }),
};

function problemOf(fields: ReturnType<EventWith>): string | undefined {
  const event: AgentEvent = {
    sessionId: 'call',
    accountId: null,
    attributes: {},
    notUtf8: ALL_UTF8,
    ...fields,
  };
  const validated = validate(event);
  return validated.valid ? undefined : validated.detail;
}

describe.each(Object.entries(NAMES))('%s', (_, eventWith) => {
  test('may have 1,024 characters', () => {
    expect(problemOf(eventWith('x'.repeat(1_024)))).toBeUndefined();
  });

  test('is refused with 1,025', () => {
    const problem = problemOf(eventWith('x'.repeat(1_025)));
    expect(problem).toContain('has 1025 characters; expected at most 1024');
  });

  test('counts a character beyond the basic plane as one', () => {
    expect(problemOf(eventWith('𐍈'.repeat(1_024)))).toBeUndefined();
    expect(problemOf(eventWith('𐍈'.repeat(1_025)))).toContain('1025 characters');
    expect(problemOf(eventWith(`${'𐍈'.repeat(512)}${'x'.repeat(513)}`))).toContain('1025');
  });
});

test.each(Object.entries(TEXTS))('%s may be longer', (_, eventWith) => {
  expect(problemOf(eventWith('x'.repeat(100_000)))).toBeUndefined();
});

describe.each(Object.entries({ ...NAMES, ...TEXTS, ...ATTRIBUTES }))('%s', (_, eventWith) => {
  test.each(['\0', 'before\0after'])('is refused with U+0000: %j', (text) => {
    expect(problemOf(eventWith(text))).toContain('U+0000');
  });

  test.each(['\uD800', '\uDC00', 'a\uD83D', '\uDE00\uD83D'])(
    'is refused with a lone surrogate: %j',
    (text) => {
      expect(problemOf(eventWith(text))).toContain('is not well-formed Unicode');
    },
  );

  test.each(['é', '😀', '\uFFFD', '\uFFFF', '\u0001\n\t', '__proto__', 'ﷺ', '"\\{},NULL'])(
    'may be %j',
    (text) => {
      expect(problemOf(eventWith(text))).toBeUndefined();
    },
  );
});

describe('text that is not UTF-8', () => {
  const problem = (metric: AgentMetrics, ...notUtf8: string[]) => problemOf({ metric, notUtf8 });

  test.each(['session_id', 'account_id', 'attributes'])('is refused as %s of any event', (name) => {
    for (const metric of [llm(), interruption(), vad()]) {
      expect(problem(metric, name)).toBe(`${name} is not well-formed Unicode (UTF-8)`);
    }
  });

  test.each(['label', 'request_id', 'model_name'])('is refused as %s of what is billed', (name) => {
    expect(problem(llm(), name)).toBe(`${name} is not well-formed Unicode (UTF-8)`);
  });

  test('is taken as it is in VAD and EOU, of which no text is stored', () => {
    expect(problem(vad(), 'label', 'model_name')).toBeUndefined();
    expect(problem(eou(), 'speech_id')).toBeUndefined();
  });
});
