import { isAdapterLabel } from './adapter-label.ts';
import { type Speech, SpeechRoles } from './speech-roles.ts';

/** What an emitter needs of an agent session: that its events can be listened to. */
export interface MetricEvents {
  on(event: string, listener: (argument: unknown) => void): unknown;
}

export type Metric = Readonly<Record<string, unknown>> & { readonly type: string };

interface LanguageModel {
  readonly provider?: string;
  readonly model?: string;
  /** A pipeline's model has it, a realtime model has not. */
  readonly chat?: unknown;
}

interface Models {
  readonly llm?: LanguageModel | undefined;
  readonly tts?: Speech | undefined;
}

interface Metadata {
  readonly modelProvider?: string;
  readonly modelName?: string;
}

/**
 * The metrics of one session as they happened. Three faults of `@livekit/agents` 1.9 are corrected here:
 *
 * - Realtime metrics of the OpenAI and Google plugins name no model: they get that of the session.
 * - A `FallbackAdapter` passes on what its models report, and reports each request once more under a label of its
 *   own, before or after them: whatever it reports itself is dropped.
 * - A TTS that does not stream is run sentence by sentence; every sentence is reported, and all of the text
 *   once more as a stream. The stream's report is dropped: it has no tokens, and the audio of some sentences only.
 */
export class Attachment {
  readonly #session: object;
  readonly #roles = new SpeechRoles();
  #realtimeModel: LanguageModel | undefined;

  constructor(session: object) {
    this.#session = session;
  }

  /** The metric to send; `undefined`: the request is reported by another metric. */
  correct(metric: Metric): Metric | undefined {
    const session = this.#session as Models;
    const agent = currentAgentOf(this.#session);
    // What a realtime model reports as it closes comes when another agent has taken over.
    this.#realtimeModel =
      [agent?.llm, session.llm].find((llm) => llm && llm.chat === undefined) ?? this.#realtimeModel;
    switch (metric.type) {
      case 'realtime_model_metrics':
        return this.#withModel(metric);
      case 'llm_metrics':
        return isOfAdapter(metric) ? undefined : metric;
      case 'tts_metrics':
        this.#roles.note(agent?.tts ?? session.tts);
        return this.#roles.isCountedElsewhere(metric) ? undefined : metric;
      default:
        return metric;
    }
  }

  #withModel(metric: Metric): Metric {
    const metadata = (metric['metadata'] ?? {}) as Metadata;
    const { provider, model } = this.#realtimeModel ?? {};
    if (metadata.modelProvider && metadata.modelName) return metric;
    const modelProvider = metadata.modelProvider || provider;
    const modelName = metadata.modelName || model;
    return { ...metric, metadata: { ...metadata, modelProvider, modelName } };
  }
}

function isOfAdapter({ label, metadata }: Metric): boolean {
  return isAdapterLabel(label) || isAdapterLabel((metadata as Metadata | undefined)?.modelName);
}

function currentAgentOf(session: object): Models | undefined {
  try {
    return (session as { currentAgent?: Models }).currentAgent;
  } catch {
    // A session that is not running throws when it is asked for its agent.
    return undefined;
  }
}
