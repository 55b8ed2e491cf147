import { int4Array, int8Array, textArray } from '../postgres/arrays.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import type { Batch } from '../records/message.ts';
import { keyOf } from '../records/topic-partition.ts';
import { type ApplyResult, reportDeadLetters } from './apply-result.ts';
import { type ClassifiedBatch, classifyBatches } from './classify-batch.ts';
import { encodeEntries } from './encode-entries.ts';
import { keepConflicts } from './keep-conflicts.ts';
import { keepDeadLetters } from './keep-dead-letters.ts';
import { type BatchSessions, countOtherAccounts, sessionBatchesOf } from './session-batch.ts';
import type { SessionLoader } from './session-loader.ts';
import { rowOidIfCurrent, type SourceIds, usedNames } from './source-ids.ts';
import { type FenceRow, fenceBatch, fenceBatches, type UsedNames } from './statements/fence.ts';
import { insertPages } from './statements/pages.ts';
import { type BooksParameters, keepBooks, type PositionRow } from './statements/positions.ts';
import { addUsage } from './statements/usage.ts';

/** Offsets that one row of the books may span: small batches extend the newest row. */
const MAX_RANGE = 100_000;

/** The durable steps of a batch, in order; see `applyBatches`. */
export const BATCH_STEPS = [
  'begun',
  'fenced',
  'sessions_locked',
  'pages_written',
  'usage_added',
  'dead_letters_kept',
  'books_kept',
  'committed',
] as const;
export type BatchStep = (typeof BATCH_STEPS)[number];

export interface ApplyContext {
  readonly database: Database;
  readonly loader: SessionLoader;
  readonly sources: SourceIds;
  readonly copiesDeadLetters: boolean;
  /** Called after every step: tests kill, freeze and disconnect the worker there. */
  readonly onStep: (step: BatchStep) => void | Promise<void>;
}

/**
 * Applies batches of a group, each of another partition, in one transaction: all of them, with the
 * books and the positions, or nothing.
 *
 * @param waits whether a position is waited for that another transaction holds
 * @returns for each batch what became of it; `undefined`: nothing was written of it, since its position
 *   is held, or a session of it is in a batch before
 */
export async function applyBatches(
  context: ApplyContext,
  batches: readonly Batch[],
  waits: boolean,
): Promise<(ApplyResult | undefined)[]> {
  const { loader, onStep } = context;
  const wanted = withoutSharedSessions(batches);
  // 1. New names get their numbers, in a transaction of their own. A crash after it leaves numbers
  //    that no entry uses, and that the next batch finds.
  const sources = await context.sources.prepare(wanted.flatMap(({ sessions }) => sessions));

  // From BEGIN to COMMIT, a crash at any step leaves nothing: Postgres rolls the transaction back, and
  // whoever reads the position next reads the whole batch again.
  const { moved, applied } = await inTransaction(context.database, async (connection) => {
    // 2. BEGIN.
    await onStep('begun');

    // 3. The fence: only the transaction that holds the row of the position moves it. A worker that
    //    lost the partition while it was paused finds another position here, and writes nothing.
    const names = usedNames(sources);
    const { parts, moved } = await fence(connection, wanted, names, waits);
    const [first] = parts;
    if (first === undefined) return { moved, applied: [] };
    const rowOid = rowOidIfCurrent(first.row, sources);
    await onStep('fenced');

    // 4. Every message gets its outcome, under locks on the sessions that change.
    const classified = await classifyBatches(connection, loader, parts);
    await onStep('sessions_locked');

    // 5. The entries of the applied messages.
    const events = classified.reduce((sum, { counts }) => sum + counts.applied, 0);
    const entries = encodeEntries(parts, sources, { rowOid, applied: events });
    if (entries.pages !== undefined) await insertPages.run(connection, { rows: entries.pages });
    await onStep('pages_written');

    // 6. Their sums.
    if (entries.usage !== undefined) await addUsage.run(connection, entries.usage);
    await onStep('usage_added');

    // 7. Conflicts, and dead letters with their bytes.
    const applied = parts.map((part, i) => ({ ...part, ...(classified[i] as ClassifiedBatch) }));
    for (const { batch, sessions, deadLetters } of applied) {
      await keepConflicts(connection, batch, sessions);
      await keepDeadLetters(connection, batch, deadLetters, context.copiesDeadLetters);
    }
    await onStep('dead_letters_kept');

    // 8. The books and the positions.
    await keepBooks.run(connection, booksOf(applied));
    await onStep('books_kept');
    return { moved, applied };
  });
  // 9. COMMIT. A crash after it leaves everything, and whoever reads the position next begins after
  //    the batch. Where only the answer was lost, the next attempt returns `moved`.
  if (applied.length > 0) {
    // 10. What was committed is cached. A crash loses the cache with the process.
    loader.cache(applied.flatMap(({ sessions }) => sessions));
    await onStep('committed');
  }
  const results = new Map(moved);
  for (const { batch, sessions, counts, newDeadLetters } of applied) {
    const otherAccounts = countOtherAccounts(sessions);
    const result = { status: 'applied', counts, otherAccounts } as const;
    results.set(batch, reportDeadLetters(batch, result, newDeadLetters));
  }
  return batches.map((batch) => results.get(batch));
}

/** Leaves out a batch with a session that another one has: a statement writes each row once. */
function withoutSharedSessions(batches: readonly Batch[]): BatchSessions<Batch>[] {
  const wanted: BatchSessions<Batch>[] = [];
  const known = new Set<string>();
  for (const batch of batches) {
    const sessions = sessionBatchesOf(batch.messages);
    if (wanted.length > 0 && sessions.some(({ sessionId }) => known.has(sessionId))) continue;
    wanted.push({ batch, sessions });
    if (batches.length > 1) for (const { sessionId } of sessions) known.add(sessionId);
  }
  return wanted;
}

/** A batch whose position is where it should be, locked until the end of the transaction. */
interface FencedBatch extends BatchSessions<Batch> {
  readonly row: PositionRow & FenceRow;
}

async function fence(
  connection: Connection,
  wanted: readonly BatchSessions<Batch>[],
  names: UsedNames,
  waits: boolean,
) {
  const rows = await (waits ? fenceBatch : fenceBatches).run(connection, {
    groupId: wanted[0]?.batch.groupId ?? '',
    topics: textArray(wanted.map(({ batch }) => batch.topic)),
    partitions: int4Array(wanted.map(({ batch }) => batch.partition)),
    ...names,
  });
  const rowOf = new Map(rows.map((row) => [keyOf(row), row]));
  const parts: FencedBatch[] = [];
  const moved: [Batch, ApplyResult][] = [];
  for (const { batch, sessions } of wanted) {
    const row = rowOf.get(keyOf(batch));
    if (row === undefined && !waits) continue;
    const position = row && { nextOffset: Number(row.next_offset), pass: row.pass };
    const isMoved = position?.nextOffset !== batch.fromOffset || position.pass !== batch.pass;
    if (row === undefined || isMoved) moved.push([batch, { status: 'moved', position }]);
    else parts.push({ batch, sessions, row });
  }
  return { parts, moved };
}

function booksOf(applied: readonly (FencedBatch & ClassifiedBatch)[]): BooksParameters {
  const int8 = (numberOf: (part: FencedBatch & ClassifiedBatch) => number) =>
    int8Array(applied.map(numberOf));
  const int4 = (numberOf: (batch: Batch) => number) =>
    int4Array(applied.map(({ batch }) => numberOf(batch)));
  return {
    groupId: applied[0]?.batch.groupId ?? '',
    topics: textArray(applied.map(({ batch }) => batch.topic)),
    partitions: int4(({ partition }) => partition),
    passes: int4(({ pass }) => pass),
    generations: int4(({ generation }) => generation),
    rangeFirstOffsets: int8(rangeFirstOffset),
    nextOffsets: int8(({ batch }) => batch.nextOffset),
    consumed: int8(({ batch }) => batch.messages.length),
    applied: int8(({ counts }) => counts.applied),
    duplicate: int8(({ counts }) => counts.duplicate),
    ignored: int8(({ counts }) => counts.ignored),
    conflict: int8(({ counts }) => counts.conflict),
    deadLetter: int8(({ counts }) => counts.dead_letter),
  };
}

/** Of the range of the books that the batch extends, or of its own. */
function rangeFirstOffset({ batch, row }: FencedBatch): number {
  const newest = Number(row.range_first_offset);
  return batch.nextOffset - newest <= MAX_RANGE ? newest : batch.fromOffset;
}
