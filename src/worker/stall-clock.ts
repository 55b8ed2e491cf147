import { keyOf, type TopicPartition } from '../records/topic-partition.ts';

/** For how long assignments are counted. */
const COUNTED_MS = 60_000;

interface Mark {
  position: number | undefined;
  advancedAt: number;
  starts: number;
}

interface Progress extends TopicPartition {
  readonly position: number;
  readonly lag: number;
  readonly advancedAt: number;
}

/**
 * Since when each partition has not advanced. Another assignment, or another lookup of the position,
 * is no progress: the clock continues until the position moves or nothing is left to read. So it also
 * shows a worker that joins its group over and over.
 */
export class StallClock {
  readonly #marks = new Map<string, Mark>();
  #assignments: number[] = [];

  /** The worker has exactly these partitions; the marks of others are dropped. */
  assigned(partitions: readonly TopicPartition[], now = Date.now()): void {
    this.#assignments.push(now);
    const keys = new Set(partitions.map(keyOf));
    for (const key of this.#marks.keys()) if (!keys.has(key)) this.#marks.delete(key);
  }

  /** How often the group assigned partitions within the last minute. */
  assignments(now = Date.now()): number {
    this.#assignments = this.#assignments.filter((at) => now - at < COUNTED_MS);
    return this.#assignments.length;
  }

  /** A partition is about to start. Returns when it last moved. */
  starting(where: TopicPartition, now = Date.now()): number {
    const mark = this.#markOf(where, now);
    mark.starts += 1;
    return mark.advancedAt;
  }

  /** It has started at a position. Returns when it last moved. */
  started(where: TopicPartition, position: number, lag: number, now = Date.now()): number {
    const mark = this.#markOf(where, now);
    const hasMoved = mark.position !== undefined && mark.position !== position;
    if (hasMoved || lag === 0) {
      mark.advancedAt = now;
      mark.starts = 1;
    }
    mark.position = position;
    return mark.advancedAt;
  }

  /** Its loop has ended. */
  ended(loop: Progress, now = Date.now()): void {
    const starts = this.startsOf(loop);
    this.#marks.set(keyOf(loop), {
      position: loop.position,
      advancedAt: loop.lag === 0 ? now : loop.advancedAt,
      starts: loop.lag === 0 ? 0 : starts,
    });
  }

  /** How often a partition started since it last moved. */
  startsOf({
    topic,
    partition,
    position,
  }: TopicPartition & { position?: number | undefined }): number {
    const mark = this.#marks.get(keyOf({ topic, partition }));
    if (mark === undefined) return 1;
    return position === undefined || position === mark.position ? mark.starts : 1;
  }

  #markOf(where: TopicPartition, now: number): Mark {
    let mark = this.#marks.get(keyOf(where));
    if (mark === undefined) {
      mark = { position: undefined, advancedAt: now, starts: 0 };
      this.#marks.set(keyOf(where), mark);
    }
    return mark;
  }
}
