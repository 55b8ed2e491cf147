import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { StoredPosition } from '../ledger/position.ts';
import { keyOf, type TopicPartition } from '../records/topic-partition.ts';
import { retry } from './backoff.ts';
import { type FoundPartition, lookUpPositions } from './look-up-positions.ts';
import type { StartingPartition } from './partition-status.ts';
import type { MisplacedFetch } from './record-intake.ts';
import { endHaltByRestart, readUpTo, recordStart } from './record-start.ts';
import { decideStart, type Start } from './start-offset.ts';
import type { WorkerContext } from './worker-context.ts';

/** A partition that ends before its position is halted when it still does at the last lookup. */
const LOOKUPS = 4;
const NEXT_LOOKUP_MS = 1_000;

/** How far the start of a partition has come. */
interface Progress {
  /** The number of the lookup; later ones are for ends that only a broker which just started reports. */
  readonly lookup: number;
  /** The fetch for which the position is looked up again. */
  readonly fetch?: MisplacedFetch | undefined;
}

/** Where a partition starts, once that is recorded. */
export interface RecordedStart extends FoundPartition {
  readonly start: Start;
  readonly position: StoredPosition;
  /** Set when the restart of the worker ended a halt: dead letters count from this offset on. */
  readonly judgedFrom: number | undefined;
  /** What is before this offset was read in an earlier pass. */
  readonly seenBefore: number;
  /** The lowest end that was seen, when the partition ended before its position. */
  readonly endOffset: number;
}

export interface PartitionStarterOptions extends WorkerContext {
  /** Aborted when the assignment is no longer active: nothing more is started. */
  readonly signal: AbortSignal;
  /** Settles when no closed loop writes any more. */
  readonly closed: () => Promise<unknown>;
  readonly onStart: (where: TopicPartition, recorded: RecordedStart) => void;
}

/**
 * Starts partitions of an assignment: looks up their positions and what the brokers hold, decides
 * where each begins, and records that before anything is read. Retries until the dependencies answer.
 */
export class PartitionStarter {
  readonly #options: PartitionStarterOptions;
  readonly #starting = new Map<string, StartingPartition>();

  constructor(options: PartitionStarterOptions) {
    this.#options = options;
  }

  /** The partitions that are not started yet. */
  get starting(): readonly StartingPartition[] {
    return [...this.#starting.values()];
  }

  /** @param fetch the fetch that did not begin where it should, if that is why */
  start(partitions: readonly TopicPartition[], fetch?: MisplacedFetch): void {
    const { clock } = this.#options;
    for (const { topic, partition } of partitions) {
      const where = { topic, partition };
      this.#starting.set(keyOf(where), { ...where, since: clock.starting(where) });
    }
    this.#begin(partitions, { lookup: 1, fetch });
  }

  clear(): void {
    this.#starting.clear();
  }

  #begin(partitions: readonly TopicPartition[], progress: Progress): void {
    const { signal, onFailure } = this.#options;
    this.#startAll(partitions, progress).catch((error: unknown) => {
      if (!signal.aborted) onFailure(error);
    });
  }

  async #startAll(partitions: readonly TopicPartition[], progress: Progress): Promise<void> {
    const { signal, closed } = this.#options;
    await closed();
    if (signal.aborted) return;
    const again = await retry(() => this.#tryToStart(partitions, progress), {
      signal,
      mayRetry: (error, attempt) =>
        !signal.aborted && this.#noteFailure(partitions, error, attempt),
    });
    if (again.length === 0) return;
    await delay(NEXT_LOOKUP_MS, undefined, { signal });
    const waiting = again.filter((where) => this.#starting.has(keyOf(where)));
    const lookup = progress.lookup + 1;
    if (waiting.length > 0) this.#begin(waiting, { ...progress, lookup });
  }

  #noteFailure(partitions: readonly TopicPartition[], cause: unknown, attempt: number): true {
    const error = messageOf(cause);
    for (const where of partitions) {
      const starting = this.#starting.get(keyOf(where));
      if (starting !== undefined) starting.trouble = `looking up positions: ${error}`;
    }
    this.#options.logger.warn({ attempt, error }, 'cannot look up positions; trying again');
    return true;
  }

  /** @returns the partitions that are to be looked up again */
  async #tryToStart(
    partitions: readonly TopicPartition[],
    progress: Progress,
  ): Promise<readonly TopicPartition[]> {
    const { signal, until } = this.#options;
    const topics = [...new Set(partitions.map(({ topic }) => topic))];
    const foundOf = await lookUpPositions(this.#options, topics);
    const again: TopicPartition[] = [];
    for (const where of partitions) {
      if (signal.aborted) return [];
      const key = keyOf(where);
      if (until !== undefined && !until.has(key)) this.#starting.delete(key);
      const starting = this.#starting.get(key);
      // An earlier attempt has started it: nothing may be written for it any more.
      if (starting === undefined) continue;
      const isStarted = await this.#startOne(where, starting, foundOf(where), progress);
      if (!isStarted) again.push(where);
    }
    return again;
  }

  /** @returns `false` when the partition is to be looked up again */
  async #startOne(
    where: TopicPartition,
    starting: StartingPartition,
    found: FoundPartition,
    { lookup, fetch }: Progress,
  ): Promise<boolean> {
    const { view, committed } = found;
    const start = decideStart(found.position, committed, view, fetch);
    if (start.kind === 'lost' && start.isPassing) {
      starting.trouble = start.why;
      starting.lowestEnd = Math.min(starting.lowestEnd ?? view.latest, view.latest);
      if (lookup < LOOKUPS) return false;
    }
    const { signal, workerSince, onStart } = this.#options;
    const options = { ...this.#options, runningMs: performance.now() - workerSince };
    const position = await recordStart(options, where, start, view);
    const judgedFrom = await endHaltByRestart(options, where, position);
    const seenBefore = await readUpTo(options, where, position);
    const key = keyOf(where);
    if (signal.aborted || !this.#starting.has(key)) return true;
    this.#starting.delete(key);
    const lowest = start.kind === 'lost' ? starting.lowestEnd : undefined;
    const endOffset = lowest ?? view.latest;
    onStart(where, { start, view, committed, position, judgedFrom, seenBefore, endOffset });
    return true;
  }
}
