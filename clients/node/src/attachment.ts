/** What an emitter needs of an agent session: that its events can be listened to. */
export interface MetricEvents {
  // biome-ignore lint/suspicious/noExplicitAny: whatever events the session declares
  on(event: any, listener: (argument: any) => void): unknown;
}

export type Metric = Readonly<Record<string, unknown>> & { readonly type: string };

interface Model {
  readonly provider?: string;
  readonly model?: string;
  readonly label?: string | (() => string);
  readonly capabilities?: { readonly streaming?: boolean };
}

interface Models {
  readonly llm?: Model;
  readonly tts?: Model;
}

/** Requests of which the metrics are remembered. */
const REMEMBERED = 1_000;

/**
 * The metrics of one session as they happened. Three faults of `@livekit/agents` 1.9 are put right here:
 *
 * - Realtime metrics of the OpenAI and Google plugins name no model: it is the session's.
 * - A `FallbackAdapter` passes on what its child reports, and reports the request once more under a label
 *   of its own: that copy is dropped.
 * - A TTS that does not stream is run sentence by sentence; every sentence is reported, and then all of the
 *   text once more as a stream: the report of the stream is dropped.
 */
export class Attachment {
  readonly #session: object;
  readonly #labels = new Map<string, string>();

  constructor(session: object) {
    this.#session = session;
  }

  /** The metric to send; `undefined`: it is another report of a request. */
  correct(metric: Metric): Metric | undefined {
    switch (metric.type) {
      case 'realtime_model_metrics':
        return metric['metadata'] === undefined ? this.#withModel(metric) : metric;
      case 'llm_metrics':
        return this.#isCopyOfAdapter(metric) ? undefined : metric;
      case 'tts_metrics':
        return this.#isCopyOfAdapter(metric) || this.#isSumOfSentences(metric) ? undefined : metric;
      default:
        return metric;
    }
  }

  #withModel(metric: Metric): Metric {
    const { llm } = this.#models();
    if (llm === undefined) return metric;
    return { ...metric, metadata: { modelProvider: llm.provider, modelName: llm.model } };
  }

  #isCopyOfAdapter({ type, requestId, label }: Metric): boolean {
    if (typeof requestId !== 'string' || requestId === '' || typeof label !== 'string')
      return false;
    const key = `${type}/${requestId}`;
    const first = this.#labels.get(key);
    if (/FallbackAdapter/.test(label)) return first !== undefined && first !== label;
    this.#labels.set(key, label);
    if (this.#labels.size > REMEMBERED) {
      const [oldest = ''] = this.#labels.keys();
      this.#labels.delete(oldest);
    }
    return false;
  }

  #isSumOfSentences({ streamed, label }: Metric): boolean {
    const { tts } = this.#models();
    return streamed === true && tts?.capabilities?.streaming === false && labelOf(tts) === label;
  }

  /** Of the agent that speaks now, else of the session. */
  #models(): Models {
    const session = this.#session as Models;
    const agent = currentAgentOf(this.#session);
    return definedOnly({ llm: agent?.llm ?? session.llm, tts: agent?.tts ?? session.tts });
  }
}

function currentAgentOf(session: object): Models | undefined {
  try {
    return (session as { currentAgent?: Models }).currentAgent;
  } catch {
    // A session that does not run yet has none, and throws when it is asked for it.
    return undefined;
  }
}

function definedOnly(models: { [name in keyof Models]: Model | undefined }): Models {
  return Object.fromEntries(Object.entries(models).filter(([, model]) => model !== undefined));
}

function labelOf({ label }: Model): string | undefined {
  return typeof label === 'function' ? label() : label;
}
