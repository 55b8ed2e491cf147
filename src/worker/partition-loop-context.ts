import type { Applied } from '../ledger/apply-result.ts';
import type { Position } from '../ledger/position.ts';
import type { MisplacedFetch } from './record-intake.ts';
import type { WorkerContext } from './worker-context.ts';

/** Where a loop begins. */
export interface PartitionLoopStart extends Position {
  /** The partition's end as of now. */
  readonly endOffset: number;
  /** The generation of the topic that is read. */
  readonly generation: number;
  /** The id of the topic when the position was looked up, if the brokers named one. */
  readonly topicId: string | undefined;
  /** Dead letters before this offset do not count towards the limit. */
  readonly judgedFrom: number;
  /** What is before this offset was read in an earlier pass. */
  readonly seenBefore?: number;
  /** When the partition last moved, in milliseconds since 1970. */
  readonly advancedAt: number;
  /** Records from this offset on are not read; `undefined`: all are. */
  readonly until: number | undefined;
}

/** What a loop needs of its worker and its assignment, and what it reports there. */
export interface PartitionLoopContext
  extends Pick<
    WorkerContext,
    | 'groupId'
    | 'schemas'
    | 'logger'
    | 'permits'
    | 'shared'
    | 'preparation'
    | 'unknownFields'
    | 'maxEvents'
    | 'deadLetterLimit'
    | 'onPrepared'
    | 'onFailure'
  > {
  readonly ledger: Pick<WorkerContext['ledger'], 'apply'>;
  /** Bytes that this loop may hold before fetching waits; changes with the assignment. */
  readonly bufferBytes: () => number;
  readonly pauseFetching: () => void;
  readonly resumeFetching: () => void;
  /** The position must be looked up again: the loop is to be closed, and another one started. */
  readonly resync: (why: string, fetch?: MisplacedFetch) => void;
  /** The same, after the database lost what was committed: caches of it are stale. */
  readonly restored: (why: string) => void;
  readonly onHalted: () => void;
  /** The position has moved; the answer may have been lost, so that nobody knows the outcomes. */
  readonly onMoved: () => void;
  /** A part of a batch was applied, in a transaction that took `ms`. */
  readonly onApplied: (result: Applied, ms: number) => void;
}
