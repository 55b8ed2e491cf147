/**
 * Usage of a session without provider or model. Tokens and characters are totals, durations
 * seconds. Takes neither the tokens of TTS nor session durations.
 * Source: livekit-agents 1.8.9, metrics/usage_collector.py.
 * @deprecated Use LLMModelUsage, TTSModelUsage and STTModelUsage.
 */
export class UsageSummary {
  llm_prompt_tokens = 0;
  llm_prompt_cached_tokens = 0;
  llm_input_audio_tokens = 0;
  llm_input_cached_audio_tokens = 0;
  llm_input_text_tokens = 0;
  llm_input_cached_text_tokens = 0;
  llm_input_image_tokens = 0;
  llm_input_cached_image_tokens = 0;
  llm_completion_tokens = 0;
  llm_output_audio_tokens = 0;
  llm_output_image_tokens = 0;
  llm_output_text_tokens = 0;
  tts_characters_count = 0;
  tts_audio_duration = 0;
  stt_audio_duration = 0;
  stt_input_tokens = 0;
  stt_output_tokens = 0;
  stt_input_audio_tokens = 0;

  /** Another name of `llm_prompt_tokens`; not a field of its own in JSON. */
  get llm_input_tokens(): number {
    return this.llm_prompt_tokens;
  }

  set llm_input_tokens(value: number) {
    this.llm_prompt_tokens = value;
  }

  /** Another name of `llm_completion_tokens`; not a field of its own in JSON. */
  get llm_output_tokens(): number {
    return this.llm_completion_tokens;
  }

  set llm_output_tokens(value: number) {
    this.llm_completion_tokens = value;
  }
}
