import { messageOf } from '../errors.ts';
import { numberArray, textArray } from '../postgres/array-literal.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import { isRefusedByPostgres } from '../postgres/errors.ts';
import {
  type Batch,
  type BillableMessage,
  countsOf,
  type DeadLetterMessage,
  type Message,
  type Outcome,
  type OutcomeCounts,
} from '../records/message.ts';
import { classifyBatch } from './classify-batch.ts';
import { keepConflicts, keepDeadLetters } from './conflicts.ts';
import { PageWriter } from './page-writer.ts';
import { RefusedError } from './refused-error.ts';
import { refusalOf } from './rejection.ts';
import { type SessionBatch, sessionsOf } from './session-batch.ts';
import { SessionLoader } from './session-loader.ts';
import { type BatchSources, SourceIds } from './source-ids.ts';
import { StaleCacheError } from './stale-cache-error.ts';
import { lockDeadLetter, resolveDeadLetter } from './statements/dead-letters.ts';
import { compareNames, type FenceRow, fenceBatch } from './statements/fence.ts';
import { insertPages } from './statements/pages.ts';
import { keepBooks, type PositionRow } from './statements/positions.ts';
import { addUsage } from './statements/usage.ts';
import { BatchUsage } from './usage-delta.ts';

/** Offsets that one row of the books may span: a trickle extends it in place. */
const MAX_RANGE = 100_000;

/** What became of a batch. */
export type ApplyResult =
  | {
      readonly status: 'applied';
      readonly counts: OutcomeCounts;
      /** Sessions for which the batch named another account than the one they have. */
      readonly otherAccounts: number;
      /** Offsets of the dead letters that came about here, in order: the batch did not know of them. */
      readonly refused: readonly number[];
      /** Where the batch ended early, because `goesOnAfter` said so. */
      readonly stoppedAt?: number;
    }
  /** The group stands elsewhere: nothing was written. `undefined`: it has no position. */
  | {
      readonly status: 'moved';
      readonly position: { nextOffset: number; pass: number } | undefined;
    };

/** The steps of a batch, each behind what it names; a crash at any of them leaves all or nothing. */
export const BATCH_STEPS = [
  'begun',
  'fenced',
  'sessions_locked',
  'pages_written',
  'usage_added',
  'refusals_kept',
  'books_kept',
  'committed',
] as const;
export type BatchStep = (typeof BATCH_STEPS)[number];

export interface LedgerOptions {
  /** Bytes of memory for what is known of live sessions. */
  readonly cacheBytes: number;
  /** Whether dead letters are marked as due for a copy on KAFKA_DEAD_LETTER_TOPIC. */
  readonly copiesDeadLetters?: boolean;
  /** Called behind every step of a batch: where tests kill, freeze and cut. */
  readonly onStep?: (step: BatchStep) => void | Promise<void>;
}

/**
 * The itemised ledger and all that is derived from it. One instance serves all partitions of a
 * worker; any number of workers may write to the same ledger.
 */
export class Ledger {
  readonly #database: Database;
  readonly #options: LedgerOptions;
  readonly #sessions: SessionLoader;
  readonly #sources: SourceIds;
  /** In which pages, and sums, were written for batches before: megabytes. */
  readonly #pageMemories: Buffer[] = [];
  readonly #usageMemories: Buffer[] = [];

  constructor(database: Database, options: LedgerOptions) {
    this.#database = database;
    this.#options = options;
    this.#sessions = new SessionLoader(options.cacheBytes);
    this.#sources = new SourceIds(database);
  }

  /**
   * Books a batch: all of it, with the books and the group's position, or nothing.
   *
   * What Postgres itself refuses is found by halving the batch until it stands alone, and becomes a
   * dead letter; the halves are then booked one after the other.
   *
   * @throws when the database cannot be reached, is overloaded or is broken. Whether a commit that
   *   threw took place is told by the next call: it then answers `moved`.
   */
  async apply(batch: Batch): Promise<ApplyResult> {
    try {
      const result = await this.#applyWhole(batch);
      return result.status === 'moved' ? result : stoppedIfMany(batch, result, result.refused);
    } catch (error) {
      if (!isRefusedByPostgres(error) || batch.messages.length === 0) throw error;
      const [only, ...more] = batch.messages;
      if (more.length > 0) return this.#applyHalves(batch);
      if (only === undefined || only.kind === 'dead_letter') throw error;
      const refusal = refusalOf(only, 'rejected_by_database', messageOf(error));
      const result = await this.#applyWhole({ ...batch, messages: [refusal] });
      return result.status === 'moved' ? result : stoppedIfMany(batch, result, [only.offset]);
    }
  }

  /**
   * Books what once was a dead letter, and resolves it in the same transaction. Its offset stays
   * counted as a dead letter; `verify` knows of the resolution.
   *
   * @returns what became of it; `undefined`: it was resolved by somebody else meanwhile
   * @throws {RefusedError} when the ledger refuses it again
   * @throws when Postgres does, or cannot be reached
   */
  async redrive(
    where: { topic: string; partition: number; generation: number },
    message: Exclude<Message, DeadLetterMessage>,
    options: { dryRun: boolean; metricOf: Batch['metricOf'] },
  ): Promise<Outcome | undefined> {
    const { offset } = message;
    const key = { ...where, offset };
    const { metricOf } = options;
    const batch = { ...where, messages: [message], metricOf };
    return this.#withCurrentMemory(async () => {
      const works = [...sessionsOf(batch.messages).values()];
      const sources = await this.#sources.prepare(works);
      let outcome: Outcome | undefined;
      try {
        await inTransaction(this.#database, async (connection) => {
          const [letter] = await lockDeadLetter.run(connection, key);
          if (letter === undefined) return;
          const [facts] = await compareNames.run(connection, namesOf(sources));
          if (facts === undefined) throw new Error('a comparison without a row');
          const { counts, found } = await this.#book(connection, batch, works, sources, facts);
          if (found[0] !== undefined) throw new RefusedError(found[0]);
          outcome = (Object.keys(counts) as Outcome[]).find((name) => counts[name] > 0);
          await resolveDeadLetter.run(connection, { ...key, resolution: outcome ?? 'ignored' });
          if (options.dryRun) throw new DryRun();
        });
        this.#sessions.remember(works);
      } catch (error) {
        if (!(error instanceof DryRun)) throw error;
      }
      return outcome;
    });
  }

  /** Drops all that is remembered of the database. */
  forget(): void {
    this.#sessions.forget();
    this.#sources.forget();
  }

  async #applyHalves(batch: Batch): Promise<ApplyResult> {
    const middle = batch.messages.length >> 1;
    const right = batch.messages.slice(middle);
    const border = right[0]?.offset ?? batch.nextOffset;
    const left = batch.messages.slice(0, middle);
    const first = await this.apply({ ...batch, nextOffset: border, messages: left });
    if (first.status === 'moved' || first.stoppedAt !== undefined) return first;
    const second = await this.apply({ ...batch, fromOffset: border, messages: right });
    if (second.status === 'moved') return second;
    return {
      ...second,
      refused: [...first.refused, ...second.refused],
      counts: added(first.counts, second.counts),
      otherAccounts: first.otherAccounts + second.otherAccounts,
    };
  }

  /** Tries once more at once when what was remembered turns out to be stale. */
  async #withCurrentMemory<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StaleCacheError)) throw error;
      this.forget();
      return work();
    }
  }

  #applyWhole(batch: Batch): Promise<ApplyResult> {
    return this.#withCurrentMemory(() => this.#tryWhole(batch));
  }

  /**
   * The durable steps of a batch. A crash before COMMIT leaves nothing behind; a crash after it
   * leaves everything, and the next reader of the position begins behind the batch.
   */
  async #tryWhole(batch: Batch): Promise<ApplyResult> {
    const works = [...sessionsOf(batch.messages).values()];
    const sources = await this.#sources.prepare(works);
    const result = await inTransaction(this.#database, async (connection) => {
      await this.#step('begun');
      // The fence: whoever holds the position's row is the only one to move it.
      const [position] = await fenceBatch.run(connection, { ...keyOf(batch), ...namesOf(sources) });
      if (position === undefined) return { status: 'moved', position } as const;
      const { next_offset, pass } = position;
      if (Number(next_offset) !== batch.fromOffset || pass !== batch.pass) {
        return { status: 'moved', position: { nextOffset: Number(next_offset), pass } } as const;
      }
      await this.#step('fenced');
      const { counts, found } = await this.#book(connection, batch, works, sources, position);
      await keepBooksOf(connection, batch, position, counts);
      await this.#step('books_kept');
      const otherAccounts = countOtherAccounts(works);
      return { status: 'applied', counts, otherAccounts, refused: offsetsOf(found) } as const;
    });
    if (result.status === 'applied') {
      this.#sessions.remember(works);
      await this.#step('committed');
    }
    return result;
  }

  /** Writes all that follows from the messages themselves, and counts what became of them. */
  async #book(
    connection: Connection,
    batch: Pick<Batch, 'topic' | 'partition' | 'generation' | 'messages' | 'metricOf'>,
    works: readonly SessionBatch[],
    sources: BatchSources,
    facts: FenceRow,
  ): Promise<Booked> {
    if (Number(facts.known_names) !== sources.used.length) {
      throw new StaleCacheError('numbers in usage_source are not those that were remembered');
    }
    const counts = countsOf(batch.messages);
    const before = refusedOf(batch, counts);
    const found = await classifyBatch(connection, this.#sessions, batch, works, counts);
    await this.#step('sessions_locked');

    const idOf = (event: BillableMessage) => sources.idOf(event);
    const source = { ...batch, isCorrection: false };
    const memory = this.#pageMemories.pop();
    const pages = new PageWriter(Number(facts.row_oid), source, idOf, counts.applied, memory);
    const usage = new BatchUsage(this.#usageMemories.pop());
    const { rows, sums } = write(works, pages, usage);
    if (rows !== undefined) await insertPages.run(connection, { rows });
    this.#pageMemories.push(pages.memory);
    await this.#step('pages_written');
    if (sums !== undefined) await addUsage.run(connection, sums);
    if (usage.memory !== undefined) this.#usageMemories.push(usage.memory);
    await this.#step('usage_added');
    await keepConflicts(connection, batch, works);
    const copyIsDue = this.#options.copiesDeadLetters ?? false;
    await keepDeadLetters(connection, batch, [...before, ...found], copyIsDue);
    await this.#step('refusals_kept');
    return { counts, found };
  }

  async #step(step: BatchStep): Promise<void> {
    if (this.#options.onStep !== undefined) await this.#options.onStep(step);
  }
}

/**
 * What the fresh events of a batch become, in the ledger and in sums. In one go: batches are added up
 * in the same memory, and what is known of a number is used for both.
 */
function write(
  works: readonly SessionBatch[],
  pages: PageWriter<BillableMessage>,
  usage: BatchUsage,
) {
  for (const { sessionId, touched, fresh } of works) {
    if (touched === undefined || fresh.length === 0) continue;
    pages.add(sessionId, touched, fresh);
    usage.add(sessionId, fresh);
  }
  return { rows: pages.finish(), sums: usage.parameters() };
}

function keyOf({ groupId, topic, partition }: Batch) {
  return { groupId, topic, partition };
}

function namesOf({ used }: BatchSources) {
  return {
    sourceIds: numberArray(used.map(({ id }) => id)),
    metricTypes: textArray(used.map(({ metricType }) => metricType)),
    providers: textArray(used.map(({ provider }) => provider)),
    models: textArray(used.map(({ model }) => model)),
  };
}

/** Rolls a transaction back after it has told what it would have done. */
class DryRun extends Error {}

async function keepBooksOf(
  connection: Connection,
  batch: Batch,
  position: PositionRow,
  counts: OutcomeCounts,
): Promise<void> {
  const newest = Number(position.range_first_offset);
  const { groupId, topic, partition, pass, generation, fromOffset, nextOffset } = batch;
  await keepBooks.run(connection, {
    groupId,
    topic,
    partition,
    pass,
    rangeFirstOffset: nextOffset - newest <= MAX_RANGE ? newest : fromOffset,
    nextOffset,
    consumed: batch.messages.length,
    applied: counts.applied,
    duplicate: counts.duplicate,
    ignored: counts.ignored,
    conflict: counts.conflict,
    deadLetter: counts.dead_letter,
    note: null,
    generation,
  });
}

/** What became of a batch; `found` are the dead letters that came about in the ledger. */
interface Booked {
  readonly counts: OutcomeCounts;
  readonly found: readonly DeadLetterMessage[];
}

function offsetsOf(letters: readonly DeadLetterMessage[]): number[] {
  return letters.map(({ offset }) => offset).sort((a, b) => a - b);
}

/** Each dead letter that came about here counts towards the limit, and may end the batch. */
function stoppedIfMany(
  batch: Batch,
  result: ApplyResult & { status: 'applied' },
  refused: readonly number[],
): ApplyResult {
  let goesOn = true;
  for (const offset of refused) goesOn = batch.goesOnAfter?.(offset) ?? goesOn;
  return goesOn ? result : { ...result, stoppedAt: batch.nextOffset };
}

/** Mostly none, which need not be looked for. */
function refusedOf(
  { messages }: Pick<Batch, 'messages'>,
  counts: OutcomeCounts,
): DeadLetterMessage[] {
  return counts.dead_letter === 0
    ? []
    : messages.filter((message) => message.kind === 'dead_letter');
}

function countOtherAccounts(works: readonly SessionBatch[]): number {
  let sessions = 0;
  for (const work of works) {
    const settled = work.touched?.accountId ?? work.state?.accountId ?? work.accountId;
    const differs = work.accountId !== null && work.accountId !== settled;
    if (differs || work.namesOtherAccount) sessions += 1;
  }
  return sessions;
}

function added(a: OutcomeCounts, b: OutcomeCounts): OutcomeCounts {
  return {
    applied: a.applied + b.applied,
    duplicate: a.duplicate + b.duplicate,
    ignored: a.ignored + b.ignored,
    conflict: a.conflict + b.conflict,
    dead_letter: a.dead_letter + b.dead_letter,
  };
}
