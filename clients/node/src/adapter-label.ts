/** `FallbackAdapter` of an LLM, `tts.FallbackAdapter` of a TTS: it never makes a request of its own. */
const ADAPTER = /^(?:\w+\.)?FallbackAdapter$/;

/** Whether a label, or a model's name, is that of an adapter of the SDK. */
export function isAdapterLabel(label: unknown): boolean {
  return typeof label === 'string' && ADAPTER.test(label);
}
