import { expect, test } from 'vitest';
import { toWire } from '../src/convert.ts';
import { encode } from '../src/wire.ts';

const metadata = { modelProvider: 'p', modelName: 'm' };
const request = { label: 'l', requestId: 'r', timestamp: 1_000, durationMs: 1, metadata };
const details = { audioTokens: 1, textTokens: 1, imageTokens: 1 };
const detection = {
  timestamp: 1_000,
  totalDuration: 1,
  predictionDuration: 1,
  detectionDelay: 1,
  numRequests: 1,
  metadata,
};

/** Every field of every type in metrics/base.ts and metrics/model_usage.ts of @livekit/agents 1.9.0. */
const METRICS = [
  {
    ...request,
    type: 'llm_metrics',
    ttftMs: 1,
    cancelled: true,
    completionTokens: 1,
    promptTokens: 1,
    promptCachedTokens: 1,
    cacheCreationTokens: 1,
    // GPT-Live alone.
    reasoningTokens: 1,
    totalTokens: 1,
    tokensPerSecond: 1,
    speechId: 's',
  },
  {
    ...request,
    type: 'stt_metrics',
    audioDurationMs: 1,
    inputTokens: 1,
    outputTokens: 1,
    streamed: true,
  },
  {
    ...request,
    type: 'tts_metrics',
    ttfbMs: 1,
    audioDurationMs: 1,
    cancelled: true,
    charactersCount: 1,
    inputTokens: 1,
    outputTokens: 1,
    streamed: true,
    segmentId: 's',
    speechId: 's',
  },
  {
    type: 'vad_metrics',
    label: 'l',
    timestamp: 1_000,
    idleTimeMs: 1,
    inferenceDurationTotalMs: 1,
    inferenceCount: 1,
  },
  {
    type: 'eou_metrics',
    timestamp: 1_000,
    endOfUtteranceDelayMs: 1,
    transcriptionDelayMs: 1,
    onUserTurnCompletedDelayMs: 1,
    lastSpeakingTimeMs: 1_000,
    speechId: 's',
  },
  {
    ...request,
    type: 'realtime_model_metrics',
    sessionDurationMs: 1,
    acquireTimeMs: 1,
    connectionReused: true,
    ttftMs: 1,
    cancelled: true,
    inputTokens: 1,
    outputTokens: 1,
    totalTokens: 1,
    tokensPerSecond: 1,
    inputTokenDetails: { ...details, cachedTokens: 1, cachedTokensDetails: details },
    outputTokenDetails: details,
  },
  { ...detection, type: 'eot_inference_metrics' },
  { ...detection, type: 'interruption_metrics', numInterruptions: 1, numBackchannels: 1 },
  {
    type: 'avatar_metrics',
    timestamp: 1_000,
    playbackLatencyMs: 1,
    sessionStartedAt: 1_000,
    avatarJoinedAt: 1_000,
    metadata,
  },
  {
    type: 'session_usage_report',
    timestamp: 1_000,
    modelUsage: [
      {
        type: 'llm_usage',
        provider: 'p',
        model: 'm',
        inputTokens: 1,
        inputCachedTokens: 1,
        inputCacheCreationTokens: 1,
        inputAudioTokens: 1,
        inputCachedAudioTokens: 1,
        inputTextTokens: 1,
        inputCachedTextTokens: 1,
        inputImageTokens: 1,
        inputCachedImageTokens: 1,
        outputTokens: 1,
        outputAudioTokens: 1,
        outputTextTokens: 1,
        sessionDurationMs: 1,
      },
      { type: 'tts_usage', charactersCount: 1, audioDurationMs: 1 },
      { type: 'eot_usage', totalRequests: 1 },
    ],
  },
];

test.each(METRICS)('each field of $type has a field of the schema', (metric) => {
  const { unknown } = encode(metric.type, toWire(metric), 's', null, {});
  expect(unknown).toEqual([]);
});
