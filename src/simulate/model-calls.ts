import type { AvatarMetrics, DecisionMetrics, EOTInferenceMetrics } from '../livekit/index.ts';
import type { CallClock } from './call-clock.ts';
import { AVATAR, END_OF_TURN_DETECTOR, type LlmEmitter } from './providers.ts';
import type { Random } from './random.ts';

/** Metrics of a pipeline that are not of its speech recognition, language model or synthesis. */

export function endOfTurn(random: Random, clock: CallClock): EOTInferenceMetrics {
  const prediction = random.between(0.01, 0.06);
  return {
    type: 'eot_inference_metrics',
    timestamp: clock.advance(random.between(0.05, 0.2)),
    total_duration: prediction + random.between(0.4, 1.2),
    detection_delay: prediction + random.between(0.02, 0.15),
    prediction_duration: prediction,
    num_requests: random.chance(0.9) ? 1 : random.integer(2, 4),
    metadata: END_OF_TURN_DETECTOR,
  };
}

/** Sent when an avatar has joined the call. */
export function avatarJoined(random: Random, clock: CallClock): AvatarMetrics {
  const started = clock.now;
  const joined = clock.advance(random.between(0.8, 3));
  return {
    type: 'avatar_metrics',
    timestamp: clock.advance(0.1),
    playback_latency: random.between(0.05, 0.9),
    session_started_time: started,
    avatar_joined_time: joined,
    metadata: AVATAR,
  };
}

export function decision(random: Random, clock: CallClock, llm: LlmEmitter): DecisionMetrics {
  const duration = random.between(0.2, 0.9);
  return {
    type: 'decision_metrics',
    label: llm.label,
    request_id: llm.idPrefix + random.alphanumeric(llm.idLength),
    timestamp: clock.advance(duration),
    duration,
    input_tokens: random.integer(40, 900),
    output_tokens: random.chance(0.8) ? random.integer(1, 12) : null,
    metadata: llm.metadata,
  };
}
