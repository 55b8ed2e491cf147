import type {
  EOTModelUsage,
  InterruptionModelUsage,
  LLMModelUsage,
  ModelUsage,
  STTModelUsage,
  TTSModelUsage,
} from './model-usage.ts';
import type { AgentMetrics } from './types.ts';
import { type BillableUsage, billableUsage } from './usage-of.ts';
import { UsageRows } from './usage-rows.ts';

/**
 * Adds up the usage of a session per kind, provider and model.
 * Durations are doubles summed in order of arrival, as in Python; the ledger does not use these
 * sums, it adds exact decimals. Nothing is deduplicated here.
 * Source: livekit-agents 1.8.9, metrics/usage.py.
 */
export class ModelUsageCollector {
  readonly #llm = new UsageRows(emptyLlm);
  readonly #tts = new UsageRows(emptyTts);
  readonly #stt = new UsageRows(emptyStt);
  readonly #interruption = new UsageRows(emptyInterruption);
  readonly #eot = new UsageRows(emptyEot);

  /**
   * Adds one metric. What is not billed changes nothing; a metric of zeros
   * still creates its row. Never throws for a complete metric.
   */
  collect(metrics: AgentMetrics): void {
    const usage = billableUsage(metrics);
    if (usage === undefined) return;
    const { provider, model } = usage;
    switch (usage.usageType) {
      case 'llm_usage':
        addLlm(this.#llm.get(provider, model), usage);
        break;
      case 'tts_usage':
        addTts(this.#tts.get(provider, model), usage);
        break;
      case 'stt_usage':
        addStt(this.#stt.get(provider, model), usage);
        break;
      case 'interruption_usage':
        this.#interruption.get(provider, model).total_requests += usage.total_requests;
        break;
      case 'eot_usage':
        this.#eot.get(provider, model).total_requests += usage.total_requests;
        break;
    }
  }

  /**
   * The totals so far: LLM, TTS, STT, interruption, end of turn, each in order of first appearance.
   * The rows are copies; changing them does not change the collector.
   */
  flatten(): ModelUsage[] {
    return [
      ...this.#llm.copies(),
      ...this.#tts.copies(),
      ...this.#stt.copies(),
      ...this.#interruption.copies(),
      ...this.#eot.copies(),
    ];
  }
}

function addLlm(row: LLMModelUsage, usage: BillableUsage): void {
  row.input_tokens += usage.input_tokens;
  row.input_cached_tokens += usage.input_cached_tokens;
  row.input_cache_creation_tokens += usage.input_cache_creation_tokens;
  row.input_audio_tokens += usage.input_audio_tokens;
  row.input_cached_audio_tokens += usage.input_cached_audio_tokens;
  row.input_text_tokens += usage.input_text_tokens;
  row.input_cached_text_tokens += usage.input_cached_text_tokens;
  row.input_image_tokens += usage.input_image_tokens;
  row.input_cached_image_tokens += usage.input_cached_image_tokens;
  row.output_tokens += usage.output_tokens;
  row.output_audio_tokens += usage.output_audio_tokens;
  row.output_text_tokens += usage.output_text_tokens;
  row.output_reasoning_tokens += usage.output_reasoning_tokens;
  // No output_image_tokens: the Python class has no such field, only the deprecated summary does.
  row.session_duration += usage.session_duration;
}

function addTts(row: TTSModelUsage, usage: BillableUsage): void {
  row.input_tokens += usage.input_tokens;
  row.output_tokens += usage.output_tokens;
  row.characters_count += usage.characters_count;
  row.audio_duration += usage.audio_duration;
}

function addStt(row: STTModelUsage, usage: BillableUsage): void {
  row.input_tokens += usage.input_tokens;
  row.input_audio_tokens += usage.input_audio_tokens;
  row.output_tokens += usage.output_tokens;
  row.audio_duration += usage.audio_duration;
}

function emptyLlm(provider: string, model: string): LLMModelUsage {
  return {
    type: 'llm_usage',
    provider,
    model,
    input_tokens: 0,
    input_cached_tokens: 0,
    input_cache_creation_tokens: 0,
    input_audio_tokens: 0,
    input_cached_audio_tokens: 0,
    input_text_tokens: 0,
    input_cached_text_tokens: 0,
    input_image_tokens: 0,
    input_cached_image_tokens: 0,
    output_tokens: 0,
    output_audio_tokens: 0,
    output_text_tokens: 0,
    output_reasoning_tokens: 0,
    session_duration: 0,
  };
}

function emptyTts(provider: string, model: string): TTSModelUsage {
  return {
    type: 'tts_usage',
    provider,
    model,
    input_tokens: 0,
    output_tokens: 0,
    characters_count: 0,
    audio_duration: 0,
  };
}

function emptyStt(provider: string, model: string): STTModelUsage {
  return {
    type: 'stt_usage',
    provider,
    model,
    input_tokens: 0,
    input_audio_tokens: 0,
    output_tokens: 0,
    audio_duration: 0,
  };
}

function emptyInterruption(provider: string, model: string): InterruptionModelUsage {
  return { type: 'interruption_usage', provider, model, total_requests: 0 };
}

function emptyEot(provider: string, model: string): EOTModelUsage {
  return { type: 'eot_usage', provider, model, total_requests: 0 };
}
