import { COMPACTION_STEPS } from '../../src/ledger/compact-sessions.ts';
import { BATCH_STEPS } from '../../src/ledger/ledger.ts';

/** Everything that a worker does durably, in order: what it can be killed or frozen at. */
export const WORKER_STEPS = [
  /** Before the transaction: a connection is taken for a batch or a look at the positions. */
  'connection_taken',
  ...BATCH_STEPS,
  /** In the background, once sessions are quiet: with their pages merged, before and after the commit. */
  ...COMPACTION_STEPS,
  /** After the commit in Postgres, before and after the position is copied to Kafka. */
  'committing_to_kafka',
  'committed_to_kafka',
  /** SIGTERM has come, transactions may be under way. */
  'draining',
  'leaving_group',
] as const;
export type WorkerStep = (typeof WORKER_STEPS)[number];

/** What a worker shall do to itself, once. */
export interface Order {
  readonly act: 'kill' | 'freeze';
  readonly step: WorkerStep;
  /** 1: the next time. */
  readonly occurrence: number;
  /** Whether only steps after SIGTERM count. */
  readonly whileDraining: boolean;
}

/** Sent by a worker: it handles signals; it reached the step of its order. */
export type WorkerEvent = { readonly started: true } | { readonly reached: WorkerStep };
