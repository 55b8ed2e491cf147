import type { UsageColumn } from '../livekit/usage-columns.ts';

/** A column in which the ledger differs from what the agent counted; the numbers are exact texts. */
export interface Difference {
  readonly session_id: string;
  readonly usage_type: string;
  readonly provider: string;
  readonly model: string;
  readonly dimension: UsageColumn;
  readonly reported: string;
  readonly recorded: string;
  /** recorded - reported */
  readonly difference: string;
}
