import { type BillableMetric, identify, identityBytes } from '../../src/identify/identity.ts';
import type {
  EOUMetrics,
  InterruptionMetrics,
  LLMMetrics,
  RealtimeModelMetrics,
  STTMetrics,
  TTSMetrics,
  VADMetrics,
} from '../../src/livekit/types.ts';

/** One plausible metric of each kind, with the fields that a test is about put over it. */

const timestamp = 1_760_000_000.25;
const metadata = { model_name: 'model', model_provider: 'provider' };

export const llm = (fields: Partial<LLMMetrics> = {}): LLMMetrics => ({
  type: 'llm_metrics',
  label: 'llm',
  request_id: 'chatcmpl-1',
  timestamp,
  duration: 1.5,
  ttft: 0.25,
  cancelled: false,
  completion_tokens: 10,
  prompt_tokens: 100,
  prompt_cached_tokens: 20,
  cache_creation_tokens: 0,
  reasoning_tokens: 0,
  total_tokens: 110,
  tokens_per_second: 6.5,
  speech_id: null,
  metadata,
  ...fields,
});

export const tts = (fields: Partial<TTSMetrics> = {}): TTSMetrics => ({
  type: 'tts_metrics',
  label: 'tts',
  request_id: 'tts-1',
  timestamp,
  ttfb: 0.125,
  duration: 2.5,
  audio_duration: 3.25,
  cancelled: false,
  characters_count: 42,
  input_tokens: 0,
  output_tokens: 0,
  streamed: true,
  acquire_time: 0,
  connection_reused: false,
  segment_id: 'segment-1',
  speech_id: null,
  metadata,
  ...fields,
});

export const stt = (fields: Partial<STTMetrics> = {}): STTMetrics => ({
  type: 'stt_metrics',
  label: 'stt',
  request_id: 'stt-1',
  timestamp,
  duration: 0,
  audio_duration: 5.05,
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  input_audio_tokens: 0,
  streamed: true,
  acquire_time: 0,
  connection_reused: false,
  metadata,
  ...fields,
});

export const realtime = (fields: Partial<RealtimeModelMetrics> = {}): RealtimeModelMetrics => ({
  type: 'realtime_model_metrics',
  label: 'realtime',
  request_id: 'resp-1',
  timestamp,
  duration: 2,
  session_duration: 0,
  ttft: 0.5,
  cancelled: false,
  input_tokens: 300,
  output_tokens: 90,
  total_tokens: 390,
  tokens_per_second: 45,
  input_token_details: {
    audio_tokens: 200,
    text_tokens: 90,
    image_tokens: 10,
    cached_tokens: 60,
    cached_tokens_details: { audio_tokens: 30, text_tokens: 20, image_tokens: 10 },
  },
  output_token_details: { text_tokens: 30, audio_tokens: 60, image_tokens: 0 },
  acquire_time: 0,
  connection_reused: false,
  metadata,
  ...fields,
});

export const interruption = (fields: Partial<InterruptionMetrics> = {}): InterruptionMetrics => ({
  type: 'interruption_metrics',
  timestamp,
  total_duration: 0.1,
  prediction_duration: 0.05,
  detection_delay: 0.2,
  num_interruptions: 1,
  num_backchannels: 0,
  num_requests: 4,
  metadata,
  ...fields,
});

export const vad = (fields: Partial<VADMetrics> = {}): VADMetrics => ({
  type: 'vad_metrics',
  label: 'vad',
  timestamp,
  idle_time: 1,
  inference_duration_total: 0.5,
  inference_count: 30,
  metadata: null,
  ...fields,
});

export const eou = (fields: Partial<EOUMetrics> = {}): EOUMetrics => ({
  type: 'eou_metrics',
  timestamp,
  end_of_utterance_delay: 0.5,
  transcription_delay: 0.25,
  on_user_turn_completed_delay: 0,
  speech_id: null,
  metadata: null,
  ...fields,
});

/** The 16 bytes that the ledger keeps of an event: its identity and its fingerprint, as hex. */
export function hexOf(
  metric: BillableMetric,
  rule?: number,
): { identity: string; fingerprint: string } {
  const hex = identityBytes(identify(metric, rule)).toString('hex');
  return { identity: hex.slice(0, 16), fingerprint: hex.slice(16) };
}
