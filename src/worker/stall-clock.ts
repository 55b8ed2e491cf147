import { keyOf, type TopicPartition } from '../records/topic-partition.ts';

/** For how long assignments are counted. */
const COUNTED_MS = 60_000;

interface Mark {
  position: number | undefined;
  advancedAt: number;
  starts: number;
}

/** What is asked of a loop. */
interface Progress extends TopicPartition {
  readonly position: number;
  readonly lag: number;
  readonly advancedAt: number;
}

/**
 * Since when each partition stands still. An assignment that begins again, or a position that is
 * looked up again, is no progress: the clock goes on until the position moves or nothing is left to
 * read. So it also shows a worker that joins its group over and over.
 */
export class StallClock {
  readonly #marks = new Map<string, Mark>();
  #assignments: number[] = [];

  /** The group gave the worker exactly these partitions; others are forgotten. */
  assigned(partitions: readonly TopicPartition[], now = Date.now()): void {
    this.#assignments.push(now);
    const keys = new Set(partitions.map(keyOf));
    for (const key of this.#marks.keys()) if (!keys.has(key)) this.#marks.delete(key);
  }

  /** How often the group gave out partitions within the last minute. */
  assignments(now = Date.now()): number {
    this.#assignments = this.#assignments.filter((at) => now - at < COUNTED_MS);
    return this.#assignments.length;
  }

  /** A partition is about to begin. Returns when it last moved. */
  starting(where: TopicPartition, now = Date.now()): number {
    const mark = this.#markOf(where, now);
    mark.starts += 1;
    return mark.advancedAt;
  }

  /** It begins, at a position. Returns when it last moved. */
  begins(where: TopicPartition, position: number, lag: number, now = Date.now()): number {
    const mark = this.#markOf(where, now);
    const hasMoved = mark.position !== undefined && mark.position !== position;
    if (hasMoved || lag === 0) {
      mark.advancedAt = now;
      mark.starts = 1;
    }
    mark.position = position;
    return mark.advancedAt;
  }

  /** It ends for now. */
  ends(loop: Progress, now = Date.now()): void {
    const starts = this.startsOf(loop);
    this.#marks.set(keyOf(loop), {
      position: loop.position,
      advancedAt: loop.lag === 0 ? now : loop.advancedAt,
      starts: loop.lag === 0 ? 0 : starts,
    });
  }

  /** How often a partition began since it last moved. */
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
