import type {
  AgentMetrics,
  EOUMetrics,
  InterruptionMetrics,
  LLMMetrics,
  STTMetrics,
  TTSMetrics,
  VADMetrics,
} from '../livekit/index.ts';
import type { CallClock } from './call-clock.ts';
import type { CallScript } from './call-script.ts';
import { avatarJoined, decision, endOfTurn } from './model-calls.ts';
import {
  INTERRUPTION_DETECTOR,
  LLM_EMITTERS,
  type LlmEmitter,
  STT_EMITTERS,
  type SttEmitter,
  TTS_EMITTERS,
  type TtsEmitter,
  TURN_DETECTOR,
  VAD_EMITTER,
} from './providers.ts';
import type { Random } from './random.ts';

const CHARACTERS_PER_TOKEN = 4.2;
const CHARACTERS_PER_SECOND_OF_SPEECH = 14.7;
/** Streaming STT plugins report the audio pushed about this often. */
const STT_REPORT_SECONDS = 5;
/** A prompt cache takes whole blocks only. */
const CACHE_BLOCK_TOKENS = 128;

/** A call of speech recognition, language model and speech synthesis, one after the other. */
export class PipelineScript implements CallScript {
  readonly #random: Random;
  readonly #clock: CallClock;
  readonly #stt: SttEmitter;
  readonly #llm: LlmEmitter;
  readonly #tts: TtsEmitter;
  readonly #sttConnectionId: string;
  #contextTokens: number;
  #connected = false;

  constructor(random: Random, clock: CallClock) {
    this.#random = random;
    this.#clock = clock;
    this.#stt = random.pick(STT_EMITTERS);
    this.#llm = random.pick(LLM_EMITTERS);
    this.#tts = random.pick(TTS_EMITTERS);
    this.#sttConnectionId =
      this.#stt.requestIds === 'connection' ? `stt_request_${random.hex(12)}` : '';
    this.#contextTokens = random.integer(300, 2_500);
  }

  turn(events: AgentMetrics[]): void {
    const random = this.#random;
    const speechId = `speech_${random.hex(12)}`;
    if (!this.#connected) {
      this.#connected = true;
      if (this.#stt.requestIds !== 'request') events.push(this.#sttConnected());
      if (random.chance(0.1)) events.push(avatarJoined(random, this.#clock));
    }
    events.push(this.#vad());
    const utterances = random.integer(1, 3);
    for (let n = 0; n < utterances; n++) events.push(this.#sttDelta());
    events.push(endOfTurn(random, this.#clock));
    events.push(this.#eou(speechId));
    if (random.chance(0.1)) events.push(decision(random, this.#clock, this.#llm));
    // A tool call is a stream of its own before the one that answers.
    if (random.chance(0.2)) events.push(this.#llmStream(speechId, random.integer(12, 60)));
    const completionTokens = random.integer(8, 220);
    events.push(this.#llmStream(speechId, completionTokens));
    this.#speak(events, speechId, completionTokens);
    if (random.chance(0.3)) events.push(this.#interruption());
    events.push(this.#vad());
  }

  close(): undefined {
    return undefined;
  }

  /** Connection timing without usage: how livekit-agents reports a new STT connection. */
  #sttConnected(): STTMetrics {
    return {
      ...this.#sttReport('', this.#clock.advance(0.1), 0),
      acquire_time: this.#random.between(0.04, 0.6),
      connection_reused: this.#random.chance(0.3),
    };
  }

  #sttDelta(): STTMetrics {
    const random = this.#random;
    if (this.#stt.requestIds !== 'request') {
      const audio = STT_REPORT_SECONDS + random.between(0, 0.12);
      return this.#sttReport(this.#sttConnectionId, this.#clock.advance(audio), audio);
    }
    const audio = random.between(0.6, 9);
    const report = this.#sttReport(random.hex(12), this.#clock.advance(audio), audio);
    report.streamed = false;
    report.duration = random.between(0.2, 1.4);
    if (this.#stt.tokens) {
      report.input_tokens = Math.ceil(audio * 10);
      report.output_tokens = Math.ceil(audio * 3.1);
      report.total_tokens = report.input_tokens + report.output_tokens;
      report.input_audio_tokens = random.integer(0, report.input_tokens);
    }
    return report;
  }

  #sttReport(requestId: string, timestamp: number, audioDuration: number): STTMetrics {
    return {
      type: 'stt_metrics',
      label: this.#stt.label,
      request_id: requestId,
      timestamp,
      duration: 0,
      audio_duration: audioDuration,
      input_tokens: 0,
      output_tokens: 0,
      total_tokens: 0,
      input_audio_tokens: 0,
      streamed: true,
      acquire_time: 0,
      connection_reused: false,
      metadata: this.#stt.metadata,
    };
  }

  #llmStream(speechId: string, completionTokens: number): LLMMetrics {
    const random = this.#random;
    const ttft = random.between(0.18, 1.4);
    const duration = ttft + completionTokens / random.between(40, 140);
    const cachedBlocks = Math.floor((this.#contextTokens * random.unit()) / CACHE_BLOCK_TOKENS);
    const promptTokens = this.#contextTokens + random.integer(5, 60);
    this.#contextTokens = promptTokens + completionTokens;
    return {
      type: 'llm_metrics',
      label: this.#llm.label,
      request_id: this.#llm.idPrefix + random.alphanumeric(this.#llm.idLength),
      timestamp: this.#clock.advance(duration),
      duration,
      ttft,
      cancelled: random.chance(0.06),
      completion_tokens: completionTokens,
      prompt_tokens: promptTokens,
      prompt_cached_tokens: cachedBlocks * CACHE_BLOCK_TOKENS,
      cache_creation_tokens: random.chance(0.2)
        ? random.integer(0, promptTokens - cachedBlocks * CACHE_BLOCK_TOKENS)
        : 0,
      reasoning_tokens: random.chance(0.2) ? random.integer(0, completionTokens) : 0,
      total_tokens: promptTokens + completionTokens,
      tokens_per_second: completionTokens / duration,
      speech_id: speechId,
      metadata: this.#llm.metadata,
    };
  }

  #speak(events: AgentMetrics[], speechId: string, completionTokens: number): void {
    const random = this.#random;
    const segments = random.integer(1, 3);
    const requestId = random.hex(12);
    const characters = Math.ceil((completionTokens * CHARACTERS_PER_TOKEN) / segments);
    for (let n = 0; n < segments; n++) {
      events.push(
        this.#tts.streamed
          ? this.#ttsSegment(requestId, random.hex(12), speechId, characters)
          : this.#ttsSegment(random.hex(12), null, speechId, characters),
      );
    }
  }

  #ttsSegment(
    requestId: string,
    segmentId: string | null,
    speechId: string,
    characters: number,
  ): TTSMetrics {
    const random = this.#random;
    const audio = (characters / CHARACTERS_PER_SECOND_OF_SPEECH) * random.between(0.85, 1.15);
    const ttfb = random.between(0.09, 0.7);
    const tokens = this.#tts.tokens;
    return {
      type: 'tts_metrics',
      label: this.#tts.label,
      request_id: requestId,
      timestamp: this.#clock.advance(audio * 0.4),
      ttfb,
      duration: ttfb + audio * random.between(0.1, 0.4),
      audio_duration: audio,
      cancelled: random.chance(0.08),
      characters_count: characters,
      input_tokens: tokens ? Math.ceil(characters / CHARACTERS_PER_TOKEN) : 0,
      output_tokens: tokens ? Math.ceil(audio * 20) : 0,
      streamed: this.#tts.streamed,
      acquire_time: random.between(0, 0.2),
      connection_reused: random.chance(0.8),
      segment_id: segmentId,
      speech_id: speechId,
      metadata: this.#tts.metadata,
    };
  }

  #interruption(): InterruptionMetrics {
    const random = this.#random;
    const interrupted = random.chance(0.6);
    const prediction = random.between(0.01, 0.09);
    return {
      type: 'interruption_metrics',
      timestamp: this.#clock.advance(random.between(0.2, 1)),
      total_duration: prediction + random.between(0.02, 0.15),
      prediction_duration: prediction,
      detection_delay: random.between(0.2, 1.2),
      num_interruptions: interrupted ? 1 : 0,
      num_backchannels: interrupted ? 0 : 1,
      num_requests: random.integer(1, 9),
      metadata: INTERRUPTION_DETECTOR,
    };
  }

  #eou(speechId: string): EOUMetrics {
    const random = this.#random;
    return {
      type: 'eou_metrics',
      timestamp: this.#clock.advance(random.between(0.3, 1.2)),
      end_of_utterance_delay: random.between(0.4, 1.5),
      transcription_delay: random.between(0.05, 0.6),
      on_user_turn_completed_delay: random.between(0, 0.01),
      speech_id: speechId,
      metadata: TURN_DETECTOR,
    };
  }

  #vad(): VADMetrics {
    const random = this.#random;
    return {
      type: 'vad_metrics',
      label: VAD_EMITTER.label,
      timestamp: this.#clock.advance(random.between(0.5, 1.5)),
      idle_time: random.between(0, 12),
      inference_duration_total: random.between(0.005, 0.03),
      inference_count: 32,
      metadata: VAD_EMITTER.metadata,
    };
  }
}
