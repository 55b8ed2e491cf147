// Generated from schemas/*.avsc by `node --import tsx scripts/generate-types.ts`. Do not edit.

/** Which model of which provider a metric is about. Source: schemas/Metadata.avsc. */
export interface Metadata {
  /** Model as the emitter names it, such as gpt-4o; null when unknown. */
  model_name: string | null;
  /** Provider as the emitter names it, such as openai; null when unknown. */
  model_provider: string | null;
}

/**
 * Cached input tokens of a realtime response, by modality. Source: schemas/CachedTokenDetails.avsc.
 */
export interface CachedTokenDetails {
  /** Cached input audio, in tokens. */
  audio_tokens: number;
  /** Cached input text, in tokens. */
  text_tokens: number;
  /** Cached input images, in tokens. */
  image_tokens: number;
}

/** Input tokens of a realtime response, by modality. Source: schemas/InputTokenDetails.avsc. */
export interface InputTokenDetails {
  /** Input audio, cached or not, in tokens. */
  audio_tokens: number;
  /** Input text, cached or not, in tokens. */
  text_tokens: number;
  /** Input images, cached or not, in tokens. */
  image_tokens: number;
  /** Input served from cache, all modalities, in tokens. */
  cached_tokens: number;
  /** Cached input by modality; null when the provider does not break it down. */
  cached_tokens_details: CachedTokenDetails | null;
}

/** Output tokens of a realtime response, by modality. Source: schemas/OutputTokenDetails.avsc. */
export interface OutputTokenDetails {
  /** Output text, in tokens. */
  text_tokens: number;
  /** Output audio, in tokens. */
  audio_tokens: number;
  /** Output images, in tokens. Deprecated upstream: realtime models no longer report it. */
  image_tokens: number;
}

/**
 * What an agent counted for one kind of usage, provider and model. Source:
 * schemas/ReportedModelUsage.avsc.
 */
export interface ReportedModelUsage {
  /** Kind of usage, such as llm_usage. */
  type: string;
  /** Provider; empty when unknown. */
  provider: string;
  /** Model; empty when unknown. */
  model: string;
  /** Input, in tokens. */
  input_tokens: number;
  /** Input served from cache, in tokens. */
  input_cached_tokens: number;
  /** Input written to cache, in tokens. */
  input_cache_creation_tokens: number;
  /** Input audio, in tokens. */
  input_audio_tokens: number;
  /** Cached input audio, in tokens. */
  input_cached_audio_tokens: number;
  /** Input text, in tokens. */
  input_text_tokens: number;
  /** Cached input text, in tokens. */
  input_cached_text_tokens: number;
  /** Input images, in tokens. */
  input_image_tokens: number;
  /** Cached input images, in tokens. */
  input_cached_image_tokens: number;
  /** Output, in tokens. */
  output_tokens: number;
  /** Output audio, in tokens. */
  output_audio_tokens: number;
  /** Output text, in tokens. */
  output_text_tokens: number;
  /** Output images, in tokens. */
  output_image_tokens: number;
  /** Output spent on hidden reasoning, in tokens. */
  output_reasoning_tokens: number;
  /** Duration of realtime connections, in seconds. */
  session_duration: number;
  /** Characters synthesized, a count. */
  characters_count: number;
  /** Duration of audio, in seconds. */
  audio_duration: number;
  /** Requests to the model, a count. */
  total_requests: number;
}

/** One LLM stream, reported once when it ends. Source: schemas/LLMMetrics.avsc. */
export interface LLMMetrics {
  type: 'llm_metrics';
  /** Class of the emitting component, such as livekit.plugins.openai.llm.LLM. */
  label: string;
  /** Id the provider or plugin gave the stream. */
  request_id: string;
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Start of the request to end of the stream, in seconds. */
  duration: number;
  /** Time to first token, in seconds; -1 when there was none. */
  ttft: number;
  /** Whether the stream was cancelled. Cancelled streams are billed all the same. */
  cancelled: boolean;
  /** Output, in tokens. */
  completion_tokens: number;
  /** Input, cached or not, in tokens. */
  prompt_tokens: number;
  /** Input served from cache, in tokens. */
  prompt_cached_tokens: number;
  /** Input and output as the provider counts them, in tokens. */
  total_tokens: number;
  /** Output rate, in tokens per second. */
  tokens_per_second: number;
  /** Speech turn the work belongs to; null when unknown. Emitters fill it in late. */
  speech_id: string | null;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
  /**
   * Input written to the prompt cache, in tokens; part of prompt_tokens. Since livekit-agents
   * 1.6.10.
   */
  cache_creation_tokens: number;
  /**
   * Output spent on hidden reasoning, in tokens; part of completion_tokens. Since livekit-agents
   * 1.8.0.
   */
  reasoning_tokens: number;
}

/**
 * One response of a realtime (speech to speech) model, a delta of one, or the close of a session
 * that is billed by time. Source: schemas/RealtimeModelMetrics.avsc.
 */
export interface RealtimeModelMetrics {
  type: 'realtime_model_metrics';
  /** Class of the emitting component, such as livekit.plugins.openai.llm.LLM. */
  label: string;
  /** Response id of the provider; session_close for the end of a time-billed session. */
  request_id: string;
  /**
   * Moment the response was created, seconds since the Unix epoch. Some emitters send a monotonic
   * clock instead.
   */
  timestamp: number;
  /** Creation of the response to its end, in seconds. */
  duration: number;
  /**
   * Length of the provider connection, in seconds, for providers that bill by it; 0 for the others.
   */
  session_duration: number;
  /** Time to first audio token, in seconds; -1 when no audio was sent. */
  ttft: number;
  /** Whether the response was cancelled. Cancelled responses are billed all the same. */
  cancelled: boolean;
  /** Input, all modalities, cached or not, in tokens. */
  input_tokens: number;
  /** Output, all modalities, in tokens. */
  output_tokens: number;
  /** Input and output as the provider counts them, in tokens. */
  total_tokens: number;
  /** Output rate, in tokens per second. */
  tokens_per_second: number;
  /** Input by modality. Need not add up to input_tokens. */
  input_token_details: InputTokenDetails;
  /** Output by modality. Need not add up to output_tokens. */
  output_token_details: OutputTokenDetails;
  /** Time to obtain the connection, in seconds; WebSocket only. */
  acquire_time: number;
  /** Whether a pooled connection served the request; WebSocket only. */
  connection_reused: boolean;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * Speech recognised: a delta every few seconds while streaming, or one whole request. Source:
 * schemas/STTMetrics.avsc.
 */
export interface STTMetrics {
  type: 'stt_metrics';
  /** Class of the emitting component, such as livekit.plugins.openai.llm.LLM. */
  label: string;
  /**
   * Id of the connection or request; often empty while streaming, and then shared by many deltas.
   */
  request_id: string;
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Length of the request, in seconds; 0 while streaming. */
  duration: number;
  /** Audio handed to the recogniser since the previous report, in seconds. */
  audio_duration: number;
  /** Input audio, in tokens, for providers that bill by token. */
  input_tokens: number;
  /** Output text, in tokens, for providers that bill by token. */
  output_tokens: number;
  /** Whether the recogniser is streaming. */
  streamed: boolean;
  /** Time to obtain the connection, in seconds; WebSocket only. */
  acquire_time: number;
  /** Whether a pooled connection served the request; WebSocket only. */
  connection_reused: boolean;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
  /**
   * Input and output, in tokens. Derived: 0 stands for input_tokens + output_tokens. Since
   * livekit-agents 1.8.3.
   */
  total_tokens: number;
  /** Input audio, in tokens; part of input_tokens. Since livekit-agents 1.8.3. */
  input_audio_tokens: number;
}

/** One segment of speech synthesised. Source: schemas/TTSMetrics.avsc. */
export interface TTSMetrics {
  type: 'tts_metrics';
  /** Class of the emitting component, such as livekit.plugins.openai.llm.LLM. */
  label: string;
  /** Id of the synthesis request; segments of one stream may share it. */
  request_id: string;
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Time to first byte of audio, in seconds; -1 when there was none. */
  ttfb: number;
  /** Start of the request to its last audio, in seconds. */
  duration: number;
  /** Audio produced, in seconds. */
  audio_duration: number;
  /** Whether synthesis was cancelled. Cancelled segments are billed all the same. */
  cancelled: boolean;
  /** Text synthesised, in characters, for providers that bill by character. */
  characters_count: number;
  /** Input text, in tokens, for providers that bill by token. */
  input_tokens: number;
  /** Output audio, in tokens, for providers that bill by token. */
  output_tokens: number;
  /** Whether the text was streamed to the provider. */
  streamed: boolean;
  /** Time to obtain the connection, in seconds; WebSocket only. */
  acquire_time: number;
  /** Whether a pooled connection served the request; WebSocket only. */
  connection_reused: boolean;
  /** Segment within the request; null when synthesis is not streamed. */
  segment_id: string | null;
  /** Speech turn the work belongs to; null when unknown. Emitters fill it in late. */
  speech_id: string | null;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * Voice activity detection over about the last second. Not billable. Source:
 * schemas/VADMetrics.avsc.
 */
export interface VADMetrics {
  type: 'vad_metrics';
  /** Class of the emitting component, such as livekit.plugins.openai.llm.LLM. */
  label: string;
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Time since speech last began or ended, in seconds. */
  idle_time: number;
  /** Time spent in inference, in seconds. */
  inference_duration_total: number;
  /** Inferences run, a count. */
  inference_count: number;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * The decision that the user has finished a turn. Not billable. Source: schemas/EOUMetrics.avsc.
 */
export interface EOUMetrics {
  type: 'eou_metrics';
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** End of speech to the decision, in seconds; 0 when no end of speech was seen. */
  end_of_utterance_delay: number;
  /** End of speech to the transcript, in seconds; 0 when no end of speech was seen. */
  transcription_delay: number;
  /** Time spent in the callback of the agent for a completed user turn, in seconds. */
  on_user_turn_completed_delay: number;
  /** Speech turn the work belongs to; null when unknown. Emitters fill it in late. */
  speech_id: string | null;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * Interruption detection since the previous report: counts are deltas, delays are the latest.
 * Source: schemas/InterruptionMetrics.avsc.
 */
export interface InterruptionMetrics {
  type: 'interruption_metrics';
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Latest round trip of an inference, in seconds. */
  total_duration: number;
  /** Latest inference as the model measures it, in seconds. */
  prediction_duration: number;
  /** Latest onset of speech to final prediction, in seconds. */
  detection_delay: number;
  /** Interruptions detected, a count. */
  num_interruptions: number;
  /** Backchannels (short assents that do not interrupt) detected, a count. */
  num_backchannels: number;
  /** Requests to the detection model, a count. This is what is billed. */
  num_requests: number;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * One prediction of an end-of-turn model. Since livekit-agents 1.6.1. Source:
 * schemas/EOTInferenceMetrics.avsc.
 */
export interface EOTInferenceMetrics {
  type: 'eot_inference_metrics';
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Creation of the earliest audio of the inference to its response, in seconds. */
  total_duration: number;
  /** Creation of the latest audio of the inference to its response, in seconds. */
  detection_delay: number;
  /** Inference as the model measures it, in seconds. */
  prediction_duration: number;
  /** Requests to the model, a count. This is what is billed. */
  num_requests: number;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * Start and playback of an avatar. Not billable. Since livekit-agents 1.5.11. Source:
 * schemas/AvatarMetrics.avsc.
 */
export interface AvatarMetrics {
  type: 'avatar_metrics';
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** First audio frame forwarded to playback started, in seconds. */
  playback_latency: number;
  /** Start of the avatar session, seconds since the Unix epoch; null when unknown. */
  session_started_time: number | null;
  /**
   * Moment the avatar joined and published video, seconds since the Unix epoch; null when unknown.
   */
  avatar_joined_time: number | null;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * One decision made by a model. Not billable. Since livekit-agents 1.8.8. Source:
 * schemas/DecisionMetrics.avsc.
 */
export interface DecisionMetrics {
  type: 'decision_metrics';
  /** Class of the emitting component, such as livekit.plugins.openai.llm.LLM. */
  label: string;
  /** Id the provider or plugin gave the request. */
  request_id: string;
  /**
   * Moment of emission, seconds since the Unix epoch. Some emitters send a monotonic clock instead.
   */
  timestamp: number;
  /** Start of the request to its end, in seconds. */
  duration: number;
  /** Input, in tokens; null when unknown. */
  input_tokens: number | null;
  /** Output, in tokens; null when unknown. */
  output_tokens: number | null;
  /**
   * Model and provider that did the work; null when the emitter does not say. Null bills to the
   * empty provider and model.
   */
  metadata: Metadata | null;
}

/**
 * What an agent counted itself, sent when a session closes. Never billed: it is compared with what
 * was. Source: schemas/SessionUsageReport.avsc.
 */
export interface SessionUsageReport {
  type: 'session_usage_report';
  /** Moment of the report, seconds since the Unix epoch. */
  timestamp: number;
  /** One element per kind of usage, provider and model. */
  model_usage: ReportedModelUsage[];
}

/** Any metric, discriminated by `type`. */
export type AgentMetrics =
  | LLMMetrics
  | RealtimeModelMetrics
  | STTMetrics
  | TTSMetrics
  | VADMetrics
  | EOUMetrics
  | InterruptionMetrics
  | EOTInferenceMetrics
  | AvatarMetrics
  | DecisionMetrics
  | SessionUsageReport;

/**
 * One metric of one agent session: the value of a message. Source: schemas/AgentMetricsEvent.avsc.
 */
export interface AgentMetricsEvent {
  /** Agent session the metric belongs to; never empty. Also the message key. */
  session_id: string;
  /** Account to bill; null when the producer leaves that to a later join. */
  account_id: string | null;
  /** Labels of the session, kept with it. */
  attributes: Record<string, string>;
  /** The metric. The branch says which kind it is. */
  metric: AgentMetrics;
}
