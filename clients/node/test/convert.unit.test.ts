import { expect, test } from 'vitest';
import { toWire } from '../src/convert.ts';

test('names become ours, and milliseconds seconds, with or without the suffix', () => {
  expect(
    toWire({
      type: 'interruption_metrics',
      timestamp: 1_700_000_000_123,
      totalDuration: 250,
      predictionDuration: 12.5,
      detectionDelay: 1,
      numRequests: 3,
      metadata: { modelProvider: 'livekit', modelName: 'adaptive' },
    }),
  ).toEqual({
    timestamp: 1_700_000_000.123,
    total_duration: 0.25,
    prediction_duration: 0.0125,
    detection_delay: 0.001,
    num_requests: 3,
    metadata: { model_provider: 'livekit', model_name: 'adaptive' },
  });
});

test('a time that never came is -1 in either unit, and what is undefined stays away', () => {
  expect(
    toWire({ type: 'llm_metrics', ttftMs: -1, durationMs: 1_500, speechId: undefined }),
  ).toEqual({ ttft: -1, duration: 1.5 });
});

test('what an agent counted itself is converted in depth', () => {
  const modelUsage = [
    { type: 'tts_usage', provider: 'p', model: 'm', charactersCount: 121, audioDurationMs: 2_500 },
  ];
  expect(toWire({ type: 'session_usage_report', timestamp: 1_000, modelUsage })).toEqual({
    timestamp: 1,
    model_usage: [
      { type: 'tts_usage', provider: 'p', model: 'm', characters_count: 121, audio_duration: 2.5 },
    ],
  });
});

test('the times of an avatar have names of their own', () => {
  expect(
    toWire({
      type: 'avatar_metrics',
      timestamp: 2_000,
      sessionStartedAt: 500,
      avatarJoinedAt: 1_500,
    }),
  ).toEqual({ timestamp: 2, session_started_time: 0.5, avatar_joined_time: 1.5 });
});
