import type { TopicPartition } from '../records/topic-partition.ts';
import type { PartitionLoop } from './partition-loop.ts';
import type { StallClock } from './stall-clock.ts';

/** A partition that is assigned, as `/readyz` and `--until-caught-up` see it. */
export interface PartitionStatus extends TopicPartition {
  readonly state: 'starting' | 'running' | 'halted';
  readonly position: number | undefined;
  readonly lag: number;
  readonly advancedAt: number;
  /** How often it started since then: more than once when assignments or positions change. */
  readonly starts: number;
  /** Why it is halted, or what it waits for. */
  readonly detail: string | undefined;
  /** When the first record that is fetched and not applied was written to Kafka. */
  readonly waitingSince?: number | undefined;
  /** The share of dead letters among its last messages. */
  readonly deadLetterShare?: number;
}

/** A partition whose position is being looked up. */
export interface StartingPartition extends TopicPartition {
  /** When it last moved. */
  readonly since: number;
  /** What it waits for. */
  trouble?: string;
  /** Of a partition that ends before its position, over all lookups. */
  lowestEnd?: number;
}

export function statusOfStarting(where: StartingPartition, clock: StallClock): PartitionStatus {
  const { topic, partition, since, trouble } = where;
  return {
    topic,
    partition,
    state: 'starting',
    position: undefined,
    lag: 0,
    advancedAt: since,
    starts: clock.startsOf({ topic, partition }),
    detail: trouble,
  };
}

export function statusOfLoop(loop: PartitionLoop, clock: StallClock): PartitionStatus {
  const { topic, partition, position, lag, advancedAt, trouble } = loop.progress;
  const { waitingSince, deadLetterShare } = loop.progress;
  const { haltedFor } = loop;
  return {
    topic,
    partition,
    state: haltedFor === undefined ? 'running' : 'halted',
    position,
    lag,
    advancedAt,
    starts: clock.startsOf({ topic, partition, position }),
    detail: haltedFor?.why ?? trouble,
    waitingSince,
    deadLetterShare,
  };
}

export function inOrder(status: readonly PartitionStatus[]): PartitionStatus[] {
  return status.toSorted((a, b) =>
    a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition,
  );
}
