import { expect, test } from 'vitest';
import { Attachment, type Metric } from '../src/attachment.ts';

const realtime = { type: 'realtime_model_metrics', requestId: 'r' };
const llm = (label: string) => ({ type: 'llm_metrics', label, requestId: 'r' });
const tts = (label: string, charactersCount: number, streamed: boolean) => ({
  type: 'tts_metrics',
  label,
  charactersCount,
  streamed,
});
const sentToLedger = (session: object, metrics: readonly Metric[]) => {
  const attachment = new Attachment(session);
  return metrics
    .map((metric) => attachment.correct(metric))
    .flatMap((metric) => metric?.['charactersCount'] ?? []);
};

test('realtime metrics without a model get that of the agent that speaks, else of the session', () => {
  const session = { llm: { provider: 'openai', model: 'gpt-realtime' } };
  const metadata = { modelProvider: 'openai', modelName: 'gpt-realtime' };
  expect(new Attachment(session).correct(realtime)).toEqual({ ...realtime, metadata });
  const currentAgent = { llm: { provider: 'google', model: 'gemini' } };
  expect(new Attachment({ ...session, currentAgent }).correct(realtime)).toMatchObject({
    metadata: { modelProvider: 'google', modelName: 'gemini' },
  });
});

test('of metadata only what is missing is taken from the model', () => {
  const attachment = new Attachment({ llm: { provider: 'p', model: 'm' } });
  const named = { ...realtime, metadata: { modelProvider: 'xai', modelName: 'grok' } };
  expect(attachment.correct(named)).toBe(named);
  expect(attachment.correct({ ...realtime, metadata: { modelName: 'grok' } })).toMatchObject({
    metadata: { modelProvider: 'p', modelName: 'grok' },
  });
});

test('what a realtime model reports after its agent handed over is still its own', () => {
  const session: { currentAgent: object } = {
    currentAgent: { llm: { provider: 'openai', model: 'gpt-realtime' } },
  };
  const attachment = new Attachment(session);
  attachment.correct({ type: 'vad_metrics' });
  session.currentAgent = { llm: { provider: 'openai', model: 'gpt-4.1', chat: () => {} } };
  expect(attachment.correct(realtime)).toMatchObject({ metadata: { modelName: 'gpt-realtime' } });
});

test('a session that is not running throws when it is asked for its agent', () => {
  const session = {
    get currentAgent(): never {
      throw new Error('AgentSession is not running');
    },
    llm: { provider: 'p', model: 'm' },
  };
  expect(new Attachment(session).correct(realtime)).toMatchObject({ metadata: { modelName: 'm' } });
});

test('what an adapter of LLMs reports itself is dropped, also when it comes before its child', () => {
  // An interrupted reply: the adapter reports at once and without tokens, the child when it has ended.
  const attachment = new Attachment({});
  expect(attachment.correct(llm('FallbackAdapter'))).toBeUndefined();
  const child = llm('openai.LLM');
  expect(attachment.correct(child)).toBe(child);
  const subclass = { ...llm('mine'), metadata: { modelName: 'FallbackAdapter' } };
  expect(attachment.correct(subclass)).toBeUndefined();
});

test('a TTS that does not stream counts its sentences and not their sum, in whichever order', () => {
  const metrics = [
    tts('openai.TTS', 121, true),
    tts('openai.TTS', 60, false),
    tts('openai.TTS', 61, false),
  ];
  const session = { tts: { label: 'openai.TTS', capabilities: { streaming: false } } };
  expect(sentToLedger(session, metrics)).toEqual([60, 61]);
  expect(sentToLedger({ currentAgent: session }, metrics)).toEqual([60, 61]);
  const adapter = { label: 'tts.StreamAdapter<openai.TTS>', capabilities: { streaming: true } };
  expect(sentToLedger({ tts: adapter }, metrics)).toEqual([60, 61]);
  const twice = { label: 'tts.StreamAdapter<tts.StreamAdapter<openai.TTS>>' };
  expect(sentToLedger({ tts: twice }, metrics)).toEqual([60, 61]);
});

test('a TTS that streams counts its streams, and single requests', () => {
  const session = { tts: { label: 'cartesia.TTS', capabilities: { streaming: true } } };
  const metrics = [tts('cartesia.TTS', 121, true), tts('cartesia.TTS', 37, false)];
  expect(sentToLedger(session, metrics)).toEqual([121, 37]);
});

test('of a session that shows no TTS, a stream with the id of a sentence is not counted', () => {
  const sentence = (charactersCount: number, requestId: string) => ({
    ...tts('openai.TTS', charactersCount, false),
    requestId,
  });
  const stream = (requestId: string) => ({ ...tts('openai.TTS', 121, true), requestId });
  const sentences = [sentence(60, 'a'), sentence(61, 'b')];
  expect(sentToLedger({}, [...sentences, stream('b'), stream('c')])).toEqual([60, 61, 121]);
  const unnamed = [sentence(60, ''), stream('')];
  expect(sentToLedger({}, unnamed)).toEqual([60, 121]);
});

test('an adapter of TTSs counts what the TTSs in it were asked for', () => {
  const session = {
    tts: {
      label: 'tts.FallbackAdapter',
      capabilities: { streaming: true },
      ttsInstances: [
        { label: 'cartesia.TTS', capabilities: { streaming: true } },
        { label: 'openai.TTS', capabilities: { streaming: false } },
        { label: 'tts.StreamAdapter<google.TTS>', capabilities: { streaming: true } },
      ],
    },
  };
  const metrics = ['cartesia.TTS', 'openai.TTS', 'google.TTS', 'tts.FallbackAdapter'].flatMap(
    (label, index) => [tts(label, 10 * index + 1, true), tts(label, 10 * index + 2, false)],
  );
  expect(sentToLedger(session, metrics)).toEqual([1, 2, 12, 22]);
});

test('a sentence whose TTS the session has no longer is still not counted twice', () => {
  const session: { tts: object } = {
    tts: { label: 'openai.TTS', capabilities: { streaming: false } },
  };
  const attachment = new Attachment(session);
  expect(attachment.correct(tts('openai.TTS', 60, false))).toBeDefined();
  session.tts = { label: 'cartesia.TTS', capabilities: { streaming: true } };
  expect(attachment.correct(tts('openai.TTS', 60, true))).toBeUndefined();
});
