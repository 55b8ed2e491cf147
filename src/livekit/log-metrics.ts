import { pythonRound2 } from './python-round.ts';
import type { AgentMetrics, Metadata, RealtimeModelMetrics } from './types.ts';

/** The part of a pino logger that logMetrics uses. */
export interface MetricsLogger {
  info(fields: MetricsLogFields, message: string): void;
}

/** Names are strings, counts and seconds numbers. */
export type MetricsLogFields = Record<string, string | number>;

/**
 * Logs one metric at level info, with the message, fields, order and rounding of the Python
 * function: seconds and rates rounded to hundredths, except `ttfb`. VAD is not logged. Names are
 * omitted without metadata, and "unknown" when the metadata does not have them.
 * Throws TypeError for anything that is not a metric.
 * Source: livekit-agents 1.5.10, metrics/utils.py.
 */
export function logMetrics(metrics: AgentMetrics, logger: MetricsLogger): void {
  switch (metrics?.type) {
    case 'llm_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          ttft: pythonRound2(metrics.ttft),
          prompt_tokens: metrics.prompt_tokens,
          prompt_cached_tokens: metrics.prompt_cached_tokens,
          completion_tokens: metrics.completion_tokens,
          tokens_per_second: pythonRound2(metrics.tokens_per_second),
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
          audio_duration: pythonRound2(metrics.audio_duration),
        },
        'TTS metrics',
      );
      break;
    case 'eou_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          end_of_utterance_delay: pythonRound2(metrics.end_of_utterance_delay),
          transcription_delay: pythonRound2(metrics.transcription_delay),
        },
        'EOU metrics',
      );
      break;
    case 'stt_metrics':
      logger.info(
        { ...names(metrics.metadata), audio_duration: pythonRound2(metrics.audio_duration) },
        'STT metrics',
      );
      break;
    case 'interruption_metrics':
      logger.info(
        {
          ...names(metrics.metadata),
          total_duration: pythonRound2(metrics.total_duration),
          prediction_duration: pythonRound2(metrics.prediction_duration),
          detection_delay: pythonRound2(metrics.detection_delay),
          num_interruptions: metrics.num_interruptions,
          num_backchannels: metrics.num_backchannels,
          num_requests: metrics.num_requests,
        },
        'Interruption metrics',
      );
      break;
    case 'vad_metrics':
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

function realtimeFields(metrics: RealtimeModelMetrics): MetricsLogFields {
  const input = metrics.input_token_details;
  const cached = input.cached_tokens_details;
  const output = metrics.output_token_details;
  return {
    ttft: pythonRound2(metrics.ttft),
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
    tokens_per_second: pythonRound2(metrics.tokens_per_second),
  };
}
