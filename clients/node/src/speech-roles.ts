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

const ADAPTER_LABEL = 'tts.FallbackAdapter';
const STREAM_ADAPTER = /^tts\.StreamAdapter<(.*)>$/;

/** The role of each TTS that a session has used, by the label that its metrics carry. */
export class SpeechRoles {
  readonly #roles = new Map<string, Role>([[ADAPTER_LABEL, 'adapter']]);

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
      if (this.roleOf(inner) !== 'adapter') this.#roles.set(inner, 'sentences');
    }
  }

  roleOf(label: unknown): Role {
    return this.#roles.get(label as string) ?? 'requests';
  }
}

/** Whether a TTS metric counts characters that other metrics of the session count too. */
export function isCountedElsewhere(
  { label, streamed }: Readonly<Record<string, unknown>>,
  roles: SpeechRoles,
): boolean {
  const role = roles.roleOf(label);
  return role === 'adapter' || (role === 'sentences' && streamed === true);
}

function innerLabel(label: string): string | undefined {
  return STREAM_ADAPTER.exec(label)?.[1];
}
