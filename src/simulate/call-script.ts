import type { AgentMetrics } from '../livekit/index.ts';

/** What an agent reports in the course of one call. */
export interface CallScript {
  /** Appends the events of the next turn, at least one, in the order of the call's clock. */
  turn(events: AgentMetrics[]): void;
  /** The event that ends the call, if this kind of call has one. Called at most once, last. */
  close(): AgentMetrics | undefined;
}
