import { expect, test } from 'vitest';
import { Attachment } from '../src/attachment.ts';

const llm = (label: string, requestId = 'r') => ({ type: 'llm_metrics', label, requestId });

test('realtime metrics without a model get that of the agent that speaks, else of the session', () => {
  const metric = { type: 'realtime_model_metrics', requestId: 'r' };
  const session = { llm: { provider: 'openai', model: 'gpt-realtime' } };
  const metadata = { modelProvider: 'openai', modelName: 'gpt-realtime' };
  expect(new Attachment(session).correct(metric)).toEqual({ ...metric, metadata });
  const currentAgent = { llm: { provider: 'google', model: 'gemini' } };
  expect(new Attachment({ ...session, currentAgent }).correct(metric)).toMatchObject({
    metadata: { modelProvider: 'google', modelName: 'gemini' },
  });
  const named = { ...metric, metadata: { modelProvider: 'xai', modelName: 'grok' } };
  expect(new Attachment(session).correct(named)).toBe(named);
  expect(new Attachment({}).correct(metric)).toBe(metric);
});

test('the copy that an adapter makes of the report of its child is dropped', () => {
  const attachment = new Attachment({});
  const child = llm('openai.LLM');
  expect(attachment.correct(child)).toBe(child);
  expect(attachment.correct(llm('FallbackAdapter'))).toBeUndefined();
  const other = llm('FallbackAdapter', 'of nobody else');
  expect(attachment.correct(other)).toBe(other);
});

test('a TTS that does not stream counts its sentences and not their sum', () => {
  const tts = { label: 'openai.TTS', capabilities: { streaming: false } };
  const attachment = new Attachment({ tts });
  const sentence = (charactersCount: number, streamed: boolean) => ({
    type: 'tts_metrics',
    label: 'openai.TTS',
    requestId: `${charactersCount}`,
    charactersCount,
    streamed,
  });
  const sent = [sentence(60, false), sentence(61, false), sentence(121, true)]
    .map((metric) => attachment.correct(metric))
    .filter((metric) => metric !== undefined);
  expect(sent.map(({ charactersCount }) => charactersCount)).toEqual([60, 61]);
  const streaming = new Attachment({ tts: { ...tts, capabilities: { streaming: true } } });
  expect(streaming.correct(sentence(121, true))).toBeDefined();
});

test('a session that has no agent yet is asked in vain', () => {
  const session = {
    get currentAgent(): never {
      throw new Error('AgentSession is not running');
    },
    llm: { provider: 'p', model: 'm' },
  };
  const metric = { type: 'realtime_model_metrics', requestId: 'r' };
  expect(new Attachment(session).correct(metric)).toMatchObject({
    metadata: { modelName: 'm' },
  });
});
