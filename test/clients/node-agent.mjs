// An agent of the real SDK, with models that answer by themselves, under the emitter as it is installed.
// Prints what each session counted itself and the emitter's stats: {"counted": {"<session>": [usage]}, "stats"}.
import { setTimeout as delay } from 'node:timers/promises';
import { initializeLogger, tokenize, tts, voice } from '@livekit/agents';
import { UsageEmitter } from 'usage-ledger-emitter';
import {
  AudioSink,
  FakeLLM,
  FakeRealtimeModel,
  FakeSTT,
  FakeTTS,
  fallbackLLM,
  oneSecond,
} from './node-agent-models.mjs';

initializeLogger({ pretty: false, level: 'fatal' });

const SPEECH =
  'The first of these sentences has sixty characters, no more. The second one of them is longer, it has sixty-one characters.';

const emitter = new UsageEmitter({
  brokers: process.env.KAFKA_BROKERS.split(','),
  schemaRegistryUrl: process.env.SCHEMA_REGISTRY_URL,
  topic: process.env.KAFKA_TOPICS,
});
const counted = {};

async function call(sessionId, models, talk) {
  const session = new voice.AgentSession({ vad: null, ...models });
  if (models.tts !== undefined) session.output.audio = new AudioSink();
  emitter.attach(session, { sessionId, accountId: 'acct-1', attributes: { sdk: 'node' } });
  await session.start({ agent: new voice.Agent({ instructions: 'Be brief.' }) });
  await talk(session);
  await session.close();
  counted[sessionId] = session.usage.modelUsage;
}

const detectorOf = (modelName) => ({ modelProvider: 'livekit', modelName });
const reply = (session) => session.generateReply({ userInput: 'Hello?' }).waitForPlayout();
const say = (session) => session.say(SPEECH).waitForPlayout();
const sentences = () => new tokenize.basic.SentenceTokenizer();

await call('plain', { llm: new FakeLLM('large') }, reply);
await call('fallback', { llm: fallbackLLM(new FakeLLM('broken'), new FakeLLM('large')) }, reply);
await call('nested', { llm: fallbackLLM(fallbackLLM(new FakeLLM('large'))) }, reply);
await call('interrupted', { llm: fallbackLLM(new FakeLLM('slow')) }, async (session) => {
  const ended = new Promise((resolve) => {
    session.on('metrics_collected', (event) => {
      if (event.metrics.metadata?.modelName === 'slow') resolve();
    });
  });
  const handle = session.generateReply({ userInput: 'Hello?' });
  await delay(100);
  session.interrupt();
  await handle.waitForPlayout();
  await ended;
});
await call('sentences', { tts: new FakeTTS() }, say);
await call('stream adapter', { tts: new tts.StreamAdapter(new FakeTTS(), sentences()) }, say);
await call(
  'fallback of sentences',
  { tts: new tts.FallbackAdapter({ ttsInstances: [new FakeTTS()] }) },
  say,
);
await call(
  'fallback of stream adapter',
  {
    tts: new tts.FallbackAdapter({
      ttsInstances: [new tts.StreamAdapter(new FakeTTS(), sentences())],
    }),
  },
  say,
);
await call('realtime', { llm: new FakeRealtimeModel() }, reply);
const stt = new FakeSTT();
await call('transcription', { stt, llm: new FakeLLM('large') }, () => stt.recognize(oneSecond()));

await call('detections', {}, (session) => {
  const times = { timestamp: Date.now(), totalDuration: 40, predictionDuration: 25.5 };
  const detection = { ...times, detectionDelay: 120, numRequests: 3 };
  for (const metrics of [
    { ...detection, type: 'eot_inference_metrics', metadata: detectorOf('turn-detector') },
    {
      ...detection,
      type: 'interruption_metrics',
      numInterruptions: 1,
      numBackchannels: 0,
      metadata: detectorOf('adaptive interruption'),
    },
    { type: 'avatar_metrics', timestamp: Date.now(), sessionStartedAt: Date.now() },
  ]) {
    // As the SDK does for detectors and avatars, which need a server.
    session.emit('metrics_collected', { type: 'metrics_collected', metrics });
  }
});

await emitter.close();
console.log(JSON.stringify({ counted, stats: emitter.stats }));
