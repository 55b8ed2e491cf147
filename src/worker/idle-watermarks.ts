import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { advanceWatermarks, readNow } from '../ledger/statements/watermarks.ts';
import { int4Array, int8Array } from '../postgres/arrays.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import type { PartitionSource } from '../source/partition-source.ts';
import { every } from './every.ts';
import type { PartitionLoop } from './partition-loop.ts';

const ADVANCE_EVERY_MS = 10_000;
/**
 * A record gets its time before it is in the log: it may be on its way when the end of the log is read,
 * and the clocks of brokers and producers differ a little from ours.
 */
const ON_THE_WAY_MS = 5_000;

export interface IdleWatermarksOptions {
  readonly source: Pick<PartitionSource, 'logEnds' | 'topicId'>;
  readonly database: Database;
  readonly groupId: string;
  readonly logger: Logger;
  /** All loops of the worker. */
  readonly loops: () => readonly PartitionLoop[];
  /** Set when the worker reads a range, or writes nothing: it then promises nothing. */
  readonly until?: unknown;
  readonly previewFrom?: unknown;
}

/**
 * Moves the watermarks of partitions in which nothing is left to read. Batches move them by the times of
 * their records; without it, a partition that nobody writes to would keep every day open.
 */
export class IdleWatermarks {
  readonly #options: IdleWatermarksOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: IdleWatermarksOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = every(ADVANCE_EVERY_MS, () => this.advance());
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Never throws: what does not answer is asked again. */
  async advance(): Promise<void> {
    const { logger, loops, until, previewFrom } = this.#options;
    if (until !== undefined || previewFrom !== undefined) return;
    const topics = new Set(loops().map(({ topic }) => topic));
    for (const topic of topics) {
      try {
        await this.#advanceTopic(topic);
      } catch (error) {
        logger.debug({ topic, error: messageOf(error) }, 'watermarks were not advanced');
      }
    }
  }

  async #advanceTopic(topic: string): Promise<void> {
    const { source, database, groupId, loops } = this.#options;
    // Before the request: what is appended while it is answered is not in the answer. By the clock that
    // watermarks are compared with.
    const [now] = await inTransaction(database, (connection) => readNow.run(connection, {}));
    const untilMs = Number(now?.now_ms) - ON_THE_WAY_MS;
    const ends = await source.logEnds(topic);
    // Afterwards, so that the ends are not those of a topic that was recreated meanwhile.
    const topicId = await source.topicId(topic);
    const atEnd = loops().filter(
      (loop) =>
        loop.topic === topic &&
        loop.isRunning &&
        loop.topicId === topicId &&
        loop.progress.position === ends.get(loop.partition),
    );
    if (atEnd.length === 0) return;
    await inTransaction(database, (connection) =>
      advanceWatermarks.run(connection, {
        groupId,
        topic,
        partitions: int4Array(atEnd.map(({ partition }) => partition)),
        nextOffsets: int8Array(atEnd.map(({ progress }) => progress.position)),
        passes: int4Array(atEnd.map(({ pass }) => pass)),
        untilMs,
      }),
    );
  }
}
