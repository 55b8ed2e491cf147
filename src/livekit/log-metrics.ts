import { pythonRound } from './python-round.ts';
import type { AgentMetrics, AvatarMetrics, Metadata, RealtimeModelMetrics } from './types.ts';

/** The part of a pino logger that logMetrics uses. */
export interface MetricsLogger {
  info(fields: MetricsLogFields, message: string): void;
}

/** Names are strings, counts and seconds numbers. */
export type MetricsLogFields = Record<string, string | number>;

/**
 * Logs one metric at level info, with the message, fields, order and rounding of the Python
 * function: seconds and rates rounded to hundredths, those of avatars to thousandths, `ttfb` not at
 * all. VAD, end-of-turn inference and decisions are not logged, nor is a report. Names are omitted without metadata, and "unknown" when the metadata does not have them.
 * Throws TypeError for anything that is not a metric.
 * Fields that a metric of an
 * earlier version lacks are 0.
 * Source: livekit-agents 1.8.9, metrics/utils.py.
 */
export function logMetrics(metrics: AgentMetrics, logger: MetricsLogger): void {
  switch (metrics?.type) {
    case 'llm_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          ttft: pythonRound(metrics.ttft, 2),
          prompt_tokens: metrics.prompt_tokens,
          prompt_cached_tokens: metrics.prompt_cached_tokens,
          cache_creation_tokens: metrics.cache_creation_tokens ?? 0,
          completion_tokens: metrics.completion_tokens,
          reasoning_tokens: metrics.reasoning_tokens ?? 0,
          tokens_per_second: pythonRound(metrics.tokens_per_second, 2),
        },
        'LLM metrics',
      );
      break;
    case 'realtime_model_metrics':
      logger.info(
        { ...names(metrics.metadata), ...realtimeFields(metrics) },
        'RealtimeModel metrics',
      );
      break;
    case 'tts_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          ttfb: metrics.ttfb,
          audio_duration: pythonRound(metrics.audio_duration, 2),
        },
        'TTS metrics',
      );
      break;
    case 'eou_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          end_of_utterance_delay: pythonRound(metrics.end_of_utterance_delay, 2),
          transcription_delay: pythonRound(metrics.transcription_delay, 2),
        },
        'EOU metrics',
      );
      break;
    case 'stt_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          audio_duration: pythonRound(metrics.audio_duration, 2),
          input_tokens: metrics.input_tokens,
          output_tokens: metrics.output_tokens,
          total_tokens: metrics.total_tokens ?? metrics.input_tokens + metrics.output_tokens,
          input_audio_tokens: metrics.input_audio_tokens ?? 0,
        },
        'STT metrics',
      );
      break;
    case 'interruption_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          total_duration: pythonRound(metrics.total_duration, 2),
          prediction_duration: pythonRound(metrics.prediction_duration, 2),
          detection_delay: pythonRound(metrics.detection_delay, 2),
          num_interruptions: metrics.num_interruptions,
          num_backchannels: metrics.num_backchannels,
          num_requests: metrics.num_requests,
        },
        'Interruption metrics',
      );
      break;
    case 'avatar_metrics':
      logger.info({ ...names(metrics.metadata), ...avatarFields(metrics) }, 'Avatar metrics');
      break;
    case 'vad_metrics':
    case 'eot_inference_metrics':
    case 'decision_metrics':
    case 'session_usage_report':
      break;
    default:
      throw new TypeError('logMetrics: the argument is not a metric');
  }
}

function names(metadata: Metadata | null | undefined): MetricsLogFields {
  if (!metadata) return {};
  return {
    model_name: metadata.model_name || 'unknown',
    model_provider: metadata.model_provider || 'unknown',
  };
}

/** Only those that are known and not 0, as in Python. */
function avatarFields(metrics: AvatarMetrics): MetricsLogFields {
  const { session_started_time: started, avatar_joined_time: joined, playback_latency } = metrics;
  return {
    ...(started && joined ? { avatar_join_latency: pythonRound(joined - started, 3) } : {}),
    ...(playback_latency ? { playback_latency: pythonRound(playback_latency, 3) } : {}),
  };
}

function realtimeFields(metrics: RealtimeModelMetrics): MetricsLogFields {
  const input = metrics.input_token_details;
  const cached = input.cached_tokens_details;
  const output = metrics.output_token_details;
  return {
    ttft: pythonRound(metrics.ttft, 2),
    input_tokens: metrics.input_tokens,
    cached_input_tokens: input.cached_tokens,
    input_text_tokens: input.text_tokens,
    input_cached_text_tokens: cached?.text_tokens ?? 0,
    input_image_tokens: input.image_tokens,
    input_cached_image_tokens: cached?.image_tokens ?? 0,
    input_audio_tokens: input.audio_tokens,
    input_cached_audio_tokens: cached?.audio_tokens ?? 0,
    output_tokens: metrics.output_tokens,
    output_text_tokens: output.text_tokens,
    output_audio_tokens: output.audio_tokens,
    output_image_tokens: output.image_tokens,
    total_tokens: metrics.total_tokens,
    tokens_per_second: pythonRound(metrics.tokens_per_second, 2),
  };
}
