import { setTimeout as delay } from 'node:timers/promises';
import type { Position } from '../ledger/position.ts';
import { positionsOf } from '../ledger/positions.ts';
import type { Database } from '../postgres/database.ts';
import { isTransient } from '../postgres/errors.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import type { PartitionStatus } from './partition-status.ts';
import { decideStart } from './start-offset.ts';
import type { Worker } from './worker.ts';

const POLL_MS = 50;

/** How far a partition is to be read. */
export interface Target extends TopicPartition {
  readonly earliest: number;
  /** The end of the partition at the moment when the run began. */
  readonly end: number;
  /** A position that is about to change, for a rewind or a halt: it does not count as reached. */
  readonly leaving: Position | undefined;
}

export interface Progress {
  /** Offsets applied, and to be applied, between the earliest offsets and the ends. */
  readonly done: number;
  readonly total: number;
}

/** Reads where every partition ends now. */
export async function readTargets(
  source: PartitionSource,
  database: Database,
  groupId: string,
  topics: readonly string[],
): Promise<Target[]> {
  const [positions, ...brokerSide] = await Promise.all([
    positionsOf(database, groupId, topics),
    ...topics.map(async (topic) => ({
      topic,
      committed: await source.committed(topic),
      bounds: await source.bounds(topic),
      topicId: await source.topicId(topic),
    })),
  ]);
  const targets: Target[] = [];
  for (const { topic, committed, bounds: all, topicId } of brokerSide) {
    for (const [partition, bounds] of all) {
      const position = positions.get(keyOf({ topic, partition }));
      const { kind } = decideStart(position, committed.get(partition), {
        ...bounds,
        topicId,
      });
      const leaving = kind === 'rewind' || kind === 'lost' ? position : undefined;
      const { earliest, latest: end } = bounds;
      targets.push({ topic, partition, earliest, end, leaving });
    }
  }
  return targets;
}

/**
 * Waits until the group has reached the targets, whichever of its workers reads a partition: what
 * counts is the position in Postgres.
 *
 * @returns the partitions of this worker that are halted, when all others have reached their target
 */
export async function caughtUp(
  worker: Worker,
  database: Database,
  groupId: string,
  targets: readonly Target[],
  signal: AbortSignal,
  onProgress: (progress: Progress) => void = () => {},
): Promise<PartitionStatus[]> {
  const topics = [...new Set(targets.map(({ topic }) => topic))];
  while (!signal.aborted) {
    const halted = [
      ...worker.status().filter(({ state }) => state === 'halted'),
      ...missingTargets(worker, targets),
    ];
    const stuck = new Set(halted.map(keyOf));
    const positions = await positionsOf(database, groupId, topics).catch((error: unknown) => {
      if (isTransient(error)) return undefined;
      throw error;
    });
    if (positions !== undefined) {
      onProgress(progressOf(targets, positions));
      const open = targets.filter((target) => !isReached(target, positions.get(keyOf(target))));
      if (open.every((target) => stuck.has(keyOf(target)))) return halted;
    }
    await delay(POLL_MS, undefined, { signal }).catch(() => {});
  }
  return [];
}

/** Targets of a topic that was deleted since: they will not be reached. */
function missingTargets(worker: Worker, targets: readonly Target[]): PartitionStatus[] {
  return worker.missingTopics.flatMap(({ topic, why }) =>
    targets
      .filter((target) => target.topic === topic)
      .map(({ partition }) => ({
        topic,
        partition,
        state: 'halted' as const,
        position: undefined,
        lag: 0,
        advancedAt: Date.now(),
        starts: 1,
        detail: why,
      })),
  );
}

function isReached({ earliest, end, leaving }: Target, position: Position | undefined): boolean {
  if (position === undefined) return end === earliest;
  const hasNotMoved =
    leaving !== undefined &&
    leaving.nextOffset === position.nextOffset &&
    leaving.pass === position.pass;
  return !hasNotMoved && position.nextOffset >= end;
}

function progressOf(
  targets: readonly Target[],
  positions: ReadonlyMap<string, Position>,
): Progress {
  let done = 0;
  let total = 0;
  for (const target of targets) {
    const { earliest, end } = target;
    const next = positions.get(keyOf(target))?.nextOffset ?? earliest;
    total += end - earliest;
    done += Math.min(Math.max(next - earliest, 0), end - earliest);
  }
  return { done, total };
}
