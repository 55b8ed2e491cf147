import type { Logger } from '../config/logger.ts';
import { type Halt, haltOf } from '../ledger/halt.ts';
import type { PartitionView, StoredPosition } from '../ledger/position.ts';
import { begin, nameTopic, resume, rewind, seenBefore } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import type { Start } from './start-offset.ts';

export interface RecordStartOptions {
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
  { database, groupId, logger, previewFrom }: RecordStartOptions,
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

/** Why a partition starts halted; `undefined`: it does not. */
export function haltAtStart(
  where: TopicPartition,
  start: Start,
  { halt }: StoredPosition,
  /** Whether a restart of the worker has ended the halt by the limit. */
  isEnded: boolean,
): Halt | undefined {
  if (start.kind === 'lost') return haltOf('lost_offsets', where, start.why);
  if (isEnded || halt?.kind !== 'dead_letter_limit') return undefined;
  return haltOf(halt.kind, where, halt.cause);
}

/**
 * Ends a halt by the limit that is older than the worker: a restart ends it, a rebalance does not. The
 * window of dead letters begins empty, but every message counts, since the restart may be that of a
 * supervisor, or of another worker.
 *
 * @returns from which offset on dead letters count again; `undefined`: there is no such halt to end
 */
export async function endHaltByRestart(
  { database, groupId, runningMs }: RecordStartOptions,
  { topic, partition }: TopicPartition,
  { halt, nextOffset }: StoredPosition,
): Promise<number | undefined> {
  if (halt?.kind !== 'dead_letter_limit' || halt.ageMs < runningMs) return undefined;
  await resume(database, { groupId, topic, partition }, nextOffset);
  return nextOffset;
}

/** How far earlier passes of the group read this generation of the topic; 0: there were none. */
export async function readUpTo(
  { database, groupId, previewFrom }: RecordStartOptions,
  { topic, partition }: TopicPartition,
  { pass, generation }: StoredPosition,
): Promise<number> {
  if (pass === 0 || previewFrom !== undefined) return 0;
  return seenBefore(database, { groupId, topic, partition }, { pass, generation });
}
