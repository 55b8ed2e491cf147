import type { Logger } from '../config/logger.ts';
import { type Halt, haltOf } from '../ledger/halt.ts';
import type { PartitionView, StoredPosition } from '../ledger/position.ts';
import { begin, nameTopic, resume, rewind } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import type { MisplacedFetch } from './partition-loop.ts';
import type { Start } from './start-offset.ts';

/** A partition whose position is being looked up. */
export interface Starting extends TopicPartition {
  readonly since: number;
  trouble?: string;
  /** Of a partition that ends before its position, over all looks. */
  lowestEnd?: number;
}

/** How a start goes on from an earlier one. */
export interface Retry {
  /** Which look it is at ends that may be those of a broker that has only just begun. */
  readonly look: number;
  readonly fetch?: MisplacedFetch | undefined;
}

export const FIRST_LOOK: Retry = { look: 1 };
/** A partition that ends before its position is halted when it still does at the last look. */
export const LOOKS = 4;
export const LOOK_AGAIN_MS = 1_000;

/** What the start of a partition is written with. */
interface Keeper {
  readonly database: Database;
  readonly groupId: string;
  readonly logger: Logger;
  /** Given when nothing is to be written. */
  readonly previewFrom?: unknown;
  /** How long the worker has been running. */
  readonly runningMs: number;
}

/** Writes what has to be written before a partition is read. */
export async function recordStart(
  { database, groupId, logger, previewFrom }: Keeper,
  { topic, partition }: TopicPartition,
  start: Start,
  view: PartitionView,
): Promise<StoredPosition> {
  const where = { topic, partition };
  const key = { groupId, ...where };
  if (start.kind === 'begin') return begin(database, key, start.offset, view.topicId);
  const { position } = start;
  if (start.kind === 'rewind') {
    const rewound = await rewind(database, key, start.offset, position, view);
    if (rewound === undefined) throw new Error('another worker rewound the partition');
    const { nextOffset, pass } = rewound;
    logger.info({ ...where, nextOffset, pass }, 'the group was set back: reading again from there');
    return rewound;
  }
  const isNamed = position.topicId !== undefined || view.topicId === undefined;
  if (start.kind === 'continue' && !isNamed && previewFrom === undefined) {
    await nameTopic(database, topic, position, view.topicId);
  }
  return position;
}

/** Why a partition begins halted. */
export function haltAtStart(
  where: TopicPartition,
  start: Start,
  { halt }: StoredPosition,
  isEnded: boolean,
): Halt | undefined {
  if (start.kind === 'lost') return haltOf('lost_offsets', where, start.why);
  if (isEnded || halt?.kind !== 'dead_letter_limit') return undefined;
  return haltOf(halt.kind, where, halt.cause);
}

/**
 * A halt by the limit ends when the worker is restarted; a rebalance is no reason to go on. What the
 * partition holds is judged, from nothing: a restart may be that of a supervisor, or another worker.
 *
 * @returns from which offset on dead letters count again; `undefined`: there is no such halt to end
 */
export async function endHaltByRestart(
  { database, groupId, runningMs }: Keeper,
  { topic, partition }: TopicPartition,
  { halt, nextOffset }: StoredPosition,
): Promise<number | undefined> {
  if (halt?.kind !== 'dead_letter_limit' || halt.ageMs < runningMs) return undefined;
  await resume(database, { groupId, topic, partition }, nextOffset);
  return nextOffset;
}
