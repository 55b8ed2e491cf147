import { isAdapterLabel } from './adapter-label.ts';

/** What is looked at of a TTS of `@livekit/agents`. */
export interface Speech {
  readonly label?: string;
  readonly capabilities?: { readonly streaming?: boolean };
  /** Of a `FallbackAdapter`. */
  readonly ttsInstances?: readonly Speech[];
}

/**
 * What the metrics of a TTS report: requests to its provider; those of others once more; or sentences, and
 * the sum of them as a stream.
 */
type Role = 'requests' | 'adapter' | 'sentences';

const STREAM_ADAPTER = /^tts\.StreamAdapter<(.*)>$/;
/** Ids of sentences that are kept. */
const KEPT = 100;

/** What each TTS metric of a session stands for, by the TTSs that it uses: their labels are in the metrics. */
export class SpeechRoles {
  readonly #roles = new Map<string, Role>();
  /** Ids of the last sentences of TTSs that the session does not show. */
  readonly #sentences = new Set<unknown>();

  /** Takes note of a TTS and of those that it runs; they keep their role when the session has another. */
  note(tts: Speech | undefined): void {
    if (tts?.label === undefined) return;
    const { label, capabilities, ttsInstances } = tts;
    this.#roles.set(label, capabilities?.streaming === false ? 'sentences' : 'requests');
    if (ttsInstances !== undefined) {
      this.#roles.set(label, 'adapter');
      for (const instance of ttsInstances) this.note(instance);
    }
    // The label is all that a StreamAdapter shows of the TTS in it.
    for (let inner = innerLabel(label); inner !== undefined; inner = innerLabel(inner)) {
      this.#roles.set(inner, 'sentences');
    }
  }

  /** Whether a TTS metric counts characters that other metrics of the session count too. */
  isCountedElsewhere({ label, streamed, requestId }: Readonly<Record<string, unknown>>): boolean {
    if (isAdapterLabel(label)) return true;
    switch (this.#roles.get(label as string)) {
      case 'adapter':
        return true;
      case 'sentences':
        return streamed === true;
      case 'requests':
        return false;
      default:
        return this.#isOfKnownSentence(streamed === true, requestId);
    }
  }

  /** The sum of sentences has the id of one of them. */
  #isOfKnownSentence(isStream: boolean, requestId: unknown): boolean {
    if (isStream || requestId === '') return this.#sentences.has(requestId);
    this.#sentences.add(requestId);
    if (this.#sentences.size > KEPT) {
      const [oldest] = this.#sentences;
      this.#sentences.delete(oldest);
    }
    return false;
  }
}

function innerLabel(label: string): string | undefined {
  return STREAM_ADAPTER.exec(label)?.[1];
}
