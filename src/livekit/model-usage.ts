/**
 * Usage of one LLM or realtime model by one session: both share a row when provider and model are
 * the same. Tokens are totals, durations seconds. Field names and order are those of the Python
 * class (livekit-agents 1.8.9, metrics/usage.py).
 */
export interface LLMModelUsage {
  type: 'llm_usage';
  /** Such as `openai`; `""` when unknown. */
  provider: string;
  /** Such as `gpt-4o`; `""` when unknown. */
  model: string;
  /** Input, cached or not. */
  input_tokens: number;
  /** Input served from cache. */
  input_cached_tokens: number;
  /** Input written to the prompt cache. */
  input_cache_creation_tokens: number;
  input_audio_tokens: number;
  input_cached_audio_tokens: number;
  input_text_tokens: number;
  input_cached_text_tokens: number;
  input_image_tokens: number;
  input_cached_image_tokens: number;
  output_tokens: number;
  output_audio_tokens: number;
  output_text_tokens: number;
  /** Output spent on hidden reasoning; part of `output_tokens`. */
  output_reasoning_tokens: number;
  /** Connection time in seconds, from providers that bill by it. */
  session_duration: number;
}

/** Speech synthesis by one model in one session. */
export interface TTSModelUsage {
  type: 'tts_usage';
  /** Such as `cartesia`; `""` when unknown. */
  provider: string;
  /** Such as `sonic-2`; `""` when unknown. */
  model: string;
  /** Input text, from providers that bill by token. */
  input_tokens: number;
  /** Output audio, from providers that bill by token. */
  output_tokens: number;
  /** Text synthesised, in characters. */
  characters_count: number;
  /** Audio produced, in seconds. */
  audio_duration: number;
}

/** Speech recognition by one model in one session. */
export interface STTModelUsage {
  type: 'stt_usage';
  /** Such as `deepgram`; `""` when unknown. */
  provider: string;
  /** Such as `nova-3`; `""` when unknown. */
  model: string;
  /** Input, from providers that bill by token. */
  input_tokens: number;
  /** Input audio; part of `input_tokens`. */
  input_audio_tokens: number;
  /** Output text, from providers that bill by token. */
  output_tokens: number;
  /** Audio recognised, in seconds. */
  audio_duration: number;
}

/** Interruption detection by one model in one session. */
export interface InterruptionModelUsage {
  type: 'interruption_usage';
  /** Such as `livekit`; `""` when unknown. */
  provider: string;
  /** Such as `adaptive`; `""` when unknown. */
  model: string;
  /** Requests to the detection model. */
  total_requests: number;
}

/** End-of-turn detection by one model in one session. */
export interface EOTModelUsage {
  type: 'eot_usage';
  /** Such as `livekit`; `""` when unknown. */
  provider: string;
  /** Such as `turn-detector-v1`; `""` when unknown. */
  model: string;
  /** Requests to the detection model. */
  total_requests: number;
}

/** Usage of one model, discriminated by `type`. */
export type ModelUsage =
  | LLMModelUsage
  | TTSModelUsage
  | STTModelUsage
  | InterruptionModelUsage
  | EOTModelUsage;

/** The usage of one session. */
export interface AgentSessionUsage {
  model_usage: ModelUsage[];
}
