import type {
  AgentMetrics,
  CachedTokenDetails,
  InputTokenDetails,
  OutputTokenDetails,
  RealtimeModelMetrics,
} from '../livekit/index.ts';
import type { CallClock } from './call-clock.ts';
import type { CallScript } from './call-script.ts';
import { REALTIME_EMITTERS, type RealtimeEmitter } from './providers.ts';
import type { Random } from './random.ts';

/** A call of one speech to speech model. */
export class RealtimeScript implements CallScript {
  readonly #random: Random;
  readonly #clock: CallClock;
  readonly #emitter: RealtimeEmitter;
  /** Added to the time since the start of the call where the plugin reads a monotonic clock. */
  readonly #uptime: number;
  #contextTokens: number;
  #connected = false;

  constructor(random: Random, clock: CallClock) {
    this.#random = random;
    this.#clock = clock;
    this.#emitter = random.pick(REALTIME_EMITTERS);
    this.#uptime = random.between(1e4, 1e6);
    this.#contextTokens = random.integer(200, 1_200);
  }

  turn(events: AgentMetrics[]): void {
    const random = this.#random;
    if (!this.#connected) {
      this.#connected = true;
      events.push(this.#connectionReport());
    }
    const id = this.#emitter.idPrefix + random.alphanumeric(this.#emitter.idLength);
    const reports = this.#emitter.reports === 'deltas' ? random.integer(2, 4) : 1;
    for (let n = 0; n < reports; n++) events.push(this.#response(id));
  }

  close(): RealtimeModelMetrics | undefined {
    if (!this.#emitter.billedByTime) return undefined;
    this.#clock.advance(this.#random.between(0.5, 4));
    const report = this.#report('session_close');
    report.session_duration = this.#clock.now - this.#clock.startedAt;
    return report;
  }

  /** Connection timing without usage: how livekit-agents reports a new realtime connection. */
  #connectionReport(): RealtimeModelMetrics {
    this.#clock.advance(0.1);
    const report = this.#report('');
    report.acquire_time = this.#random.between(0.1, 0.9);
    return report;
  }

  #response(id: string): RealtimeModelMetrics {
    const random = this.#random;
    const duration = random.between(0.4, 9);
    this.#clock.advance(duration);
    const input = this.#inputDetails();
    const output: OutputTokenDetails = {
      text_tokens: random.integer(5, 90),
      audio_tokens: random.integer(20, 500),
      image_tokens: 0,
    };
    const report = this.#report(id);
    report.duration = duration;
    report.ttft = random.chance(0.08) ? -1 : random.between(0.2, 1.1);
    report.cancelled = random.chance(0.1);
    report.input_tokens = input.audio_tokens + input.text_tokens + input.image_tokens;
    report.output_tokens = output.text_tokens + output.audio_tokens;
    report.total_tokens = report.input_tokens + report.output_tokens;
    report.tokens_per_second = report.output_tokens / duration;
    report.input_token_details = input;
    report.output_token_details = output;
    this.#contextTokens += report.output_tokens;
    return report;
  }

  #inputDetails(): InputTokenDetails {
    const random = this.#random;
    const audio = Math.floor(this.#contextTokens * random.between(0.3, 0.7));
    const text = this.#contextTokens - audio;
    const cached: CachedTokenDetails = {
      audio_tokens: random.integer(0, audio),
      text_tokens: random.integer(0, text),
      image_tokens: 0,
    };
    return {
      audio_tokens: audio,
      text_tokens: text,
      image_tokens: random.chance(0.05) ? random.integer(85, 800) : 0,
      cached_tokens: cached.audio_tokens + cached.text_tokens,
      cached_tokens_details: this.#emitter.cachedDetails ? cached : null,
    };
  }

  /** A report of the present moment without usage. */
  #report(requestId: string): RealtimeModelMetrics {
    const monotonic = this.#emitter.reports === 'deltas' && requestId !== '';
    const { now, startedAt } = this.#clock;
    return {
      type: 'realtime_model_metrics',
      label: requestId === '' ? '' : this.#emitter.label,
      request_id: requestId,
      timestamp: monotonic ? this.#uptime + (now - startedAt) : now,
      duration: 0,
      session_duration: 0,
      ttft: -1,
      cancelled: false,
      input_tokens: 0,
      output_tokens: 0,
      total_tokens: 0,
      tokens_per_second: 0,
      input_token_details: {
        audio_tokens: 0,
        text_tokens: 0,
        image_tokens: 0,
        cached_tokens: 0,
        cached_tokens_details: null,
      },
      output_token_details: { text_tokens: 0, audio_tokens: 0, image_tokens: 0 },
      acquire_time: 0,
      connection_reused: false,
      metadata: this.#emitter.metadata,
    };
  }
}
