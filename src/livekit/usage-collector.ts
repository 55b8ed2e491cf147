import type { AgentMetrics } from './types.ts';
import { type BillableUsage, billableUsage } from './usage-of.ts';
import { UsageSummary } from './usage-summary.ts';

/**
 * Adds up the usage of a session over all providers and models; durations are doubles summed in
 * order of arrival. Source: livekit-agents 1.8.9, metrics/usage_collector.py.
 * @deprecated Use ModelUsageCollector.
 */
export class UsageCollector {
  readonly #summary = new UsageSummary();

  /** Adds one metric. All but LLM, realtime, TTS and STT change nothing. */
  collect(metrics: AgentMetrics): void {
    const usage = billableUsage(metrics);
    switch (usage?.usageType) {
      case 'llm_usage':
        addLlm(this.#summary, usage);
        break;
      case 'tts_usage':
        this.#summary.tts_characters_count += usage.characters_count;
        this.#summary.tts_audio_duration += usage.audio_duration;
        break;
      case 'stt_usage':
        this.#summary.stt_audio_duration += usage.audio_duration;
        this.#summary.stt_input_tokens += usage.input_tokens;
        this.#summary.stt_output_tokens += usage.output_tokens;
        this.#summary.stt_input_audio_tokens += usage.input_audio_tokens;
        break;
    }
  }

  /** The totals so far, as a copy: changing it does not change the collector. */
  getSummary(): UsageSummary {
    return Object.assign(new UsageSummary(), this.#summary);
  }
}

function addLlm(summary: UsageSummary, usage: BillableUsage): void {
  summary.llm_prompt_tokens += usage.input_tokens;
  summary.llm_prompt_cached_tokens += usage.input_cached_tokens;
  summary.llm_input_audio_tokens += usage.input_audio_tokens;
  summary.llm_input_cached_audio_tokens += usage.input_cached_audio_tokens;
  summary.llm_input_text_tokens += usage.input_text_tokens;
  summary.llm_input_cached_text_tokens += usage.input_cached_text_tokens;
  summary.llm_input_image_tokens += usage.input_image_tokens;
  summary.llm_input_cached_image_tokens += usage.input_cached_image_tokens;
  summary.llm_completion_tokens += usage.output_tokens;
  summary.llm_output_audio_tokens += usage.output_audio_tokens;
  summary.llm_output_image_tokens += usage.output_image_tokens;
  summary.llm_output_text_tokens += usage.output_text_tokens;
}
