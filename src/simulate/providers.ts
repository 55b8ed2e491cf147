import type { Metadata } from '../livekit/index.ts';

/** Names as the plugins of livekit-agents report them: `provider` is often a host name. */
interface Emitter {
  label: string;
  metadata: Metadata;
}

export interface SttEmitter extends Emitter {
  /** `connection`: one id for all deltas of a call; `empty`: none; `request`: not streamed. */
  requestIds: 'connection' | 'empty' | 'request';
  /** Whether the provider bills by token. */
  tokens: boolean;
}

export interface LlmEmitter extends Emitter {
  idPrefix: string;
  /** Length of the random part of an id. */
  idLength: number;
}

export interface TtsEmitter extends Emitter {
  /** Whether segments of one reply share a request id; if not, there are no segment ids either. */
  streamed: boolean;
  /** Whether the provider bills by token. */
  tokens: boolean;
}

export interface RealtimeEmitter extends Emitter {
  idPrefix: string;
  idLength: number;
  /** `deltas`: several reports under one id, with a monotonic clock, as AWS does. */
  reports: 'response' | 'deltas';
  /** Whether cached input is broken down by modality. */
  cachedDetails: boolean;
  /** Whether the end of the session is reported with its duration, as xAI does. */
  billedByTime: boolean;
}

export const STT_EMITTERS: readonly SttEmitter[] = [
  {
    label: 'livekit.plugins.deepgram.stt.STT',
    metadata: { model_name: 'nova-3', model_provider: 'Deepgram' },
    requestIds: 'connection',
    tokens: false,
  },
  {
    label: 'livekit.agents.inference.stt.STT',
    metadata: { model_name: 'assemblyai/universal-streaming', model_provider: 'livekit' },
    requestIds: 'connection',
    tokens: false,
  },
  {
    label: 'livekit.plugins.assemblyai.stt.STT',
    metadata: { model_name: 'universal-streaming', model_provider: 'AssemblyAI' },
    requestIds: 'empty',
    tokens: false,
  },
  {
    label: 'livekit.plugins.openai.stt.STT',
    metadata: { model_name: 'gpt-4o-transcribe', model_provider: 'api.openai.com' },
    requestIds: 'request',
    tokens: true,
  },
];

export const LLM_EMITTERS: readonly LlmEmitter[] = [
  {
    label: 'livekit.plugins.openai.llm.LLM',
    metadata: { model_name: 'gpt-4o-mini', model_provider: 'api.openai.com' },
    idPrefix: 'chatcmpl-',
    idLength: 29,
  },
  {
    label: 'livekit.plugins.openai.llm.LLM',
    metadata: { model_name: 'gpt-4.1', model_provider: 'api.openai.com' },
    idPrefix: 'chatcmpl-',
    idLength: 29,
  },
  {
    label: 'livekit.plugins.anthropic.llm.LLM',
    metadata: { model_name: 'claude-3-5-sonnet-20241022', model_provider: 'api.anthropic.com' },
    idPrefix: 'msg_01',
    idLength: 22,
  },
  {
    label: 'livekit.agents.inference.llm.LLM',
    metadata: { model_name: 'google/gemini-2.5-flash', model_provider: 'livekit' },
    idPrefix: 'chatcmpl-',
    idLength: 22,
  },
];

export const TTS_EMITTERS: readonly TtsEmitter[] = [
  {
    label: 'livekit.plugins.elevenlabs.tts.TTS',
    metadata: { model_name: 'eleven_turbo_v2_5', model_provider: 'ElevenLabs' },
    streamed: true,
    tokens: false,
  },
  {
    label: 'livekit.plugins.cartesia.tts.TTS',
    metadata: { model_name: 'sonic-2', model_provider: 'Cartesia' },
    streamed: true,
    tokens: false,
  },
  {
    label: 'livekit.plugins.openai.tts.TTS',
    metadata: { model_name: 'gpt-4o-mini-tts', model_provider: 'api.openai.com' },
    streamed: false,
    tokens: true,
  },
];

export const REALTIME_EMITTERS: readonly RealtimeEmitter[] = [
  {
    label: 'livekit.plugins.openai.realtime.realtime_model.RealtimeModel',
    metadata: { model_name: 'gpt-realtime', model_provider: 'api.openai.com' },
    idPrefix: 'resp_',
    idLength: 21,
    reports: 'response',
    cachedDetails: true,
    billedByTime: false,
  },
  {
    label: 'livekit.plugins.google.realtime.realtime_api.RealtimeModel',
    metadata: { model_name: 'gemini-2.0-flash-live-001', model_provider: 'Gemini' },
    idPrefix: '',
    idLength: 12,
    reports: 'response',
    cachedDetails: false,
    billedByTime: false,
  },
  {
    label: 'livekit.plugins.aws.experimental.realtime.realtime_model.RealtimeModel',
    metadata: { model_name: 'amazon.nova-sonic-v1:0', model_provider: 'Amazon' },
    idPrefix: '',
    idLength: 36,
    reports: 'deltas',
    cachedDetails: false,
    billedByTime: false,
  },
  {
    label: '',
    metadata: { model_name: 'grok-voice-agent', model_provider: 'xAI' },
    idPrefix: 'resp_',
    idLength: 21,
    reports: 'response',
    cachedDetails: true,
    billedByTime: true,
  },
];

export const VAD_EMITTER: Emitter = {
  label: 'livekit.plugins.silero.vad.VAD',
  metadata: { model_name: 'silero', model_provider: 'ONNX' },
};

export const TURN_DETECTOR: Metadata = { model_name: 'multilingual', model_provider: 'livekit' };

export const INTERRUPTION_DETECTOR: Metadata = {
  model_name: 'adaptive interruption',
  model_provider: 'livekit',
};

export const END_OF_TURN_DETECTOR: Metadata = {
  model_name: 'turn-detector-v1',
  model_provider: 'livekit',
};

export const AVATAR: Metadata = { model_name: 'avatar', model_provider: 'tavus' };
