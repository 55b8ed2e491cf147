import type { AgentMetrics } from '../livekit/types.ts';

/** What an agent emitted, read out of a record in our schema; its values are not checked yet. */
export interface AgentEvent {
  readonly sessionId: string;
  readonly accountId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
  readonly metric: AgentMetrics;
  /**
   * The fields whose bytes are not UTF-8, by their name in the schema: in their texts U+FFFD stands for
   * what could not be read. Two ids could become one, so none of these texts may be used.
   */
  readonly notUtf8: readonly string[];
}

/** That of nearly every event. */
export const ALL_UTF8: readonly string[] = Object.freeze([]);
