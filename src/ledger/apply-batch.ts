import type { SpareBuffers } from '../bytes/spare-buffers.ts';
import { type Database, inLookupTransaction } from '../postgres/database.ts';
import type { Batch } from '../records/message.ts';
import { announceAccounts } from './announce-accounts.ts';
import { type ApplyResult, reportDeadLetters } from './apply-result.ts';
import { type ClassifiedBatch, classifyBatches } from './classify-batch.ts';
import { type BatchStep, type CommittedBatch, StepClock, type StepMs } from './committed-batch.ts';
import { encodeEntries } from './encode-entries.ts';
import { fenceBatches } from './fence-batches.ts';
import { keepBooksOf } from './keep-books.ts';
import { keepConflicts } from './keep-conflicts.ts';
import { keepDeadLetters } from './keep-dead-letters.ts';
import { keepReports } from './keep-reports.ts';
import { type BatchSessions, countOtherAccounts, sessionBatchesOf } from './session-batch.ts';
import type { SessionLoader } from './session-loader.ts';
import { rowOidIfCurrent, type SourceIds, usedNames } from './source-ids.ts';
import { insertPages } from './statements/pages.ts';
import { addUsage } from './statements/usage.ts';

const NO_STEPS: StepMs = new Map();

export interface ApplyContext {
  readonly database: Database;
  readonly loader: SessionLoader;
  readonly sources: SourceIds;
  /** For what a batch adds to the ledger. */
  readonly buffers: SpareBuffers;
  readonly copiesDeadLetters: boolean;
  readonly movesWatermark: boolean;
  /** Called after every step: tests kill, freeze and disconnect the worker there. */
  readonly onStep: (step: BatchStep) => void | Promise<void>;
  /** Called after each commit whose answer came; must not throw. */
  readonly onCommitted: (committed: CommittedBatch) => void;
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
  const { loader, buffers } = context;
  const clock = new StepClock();
  const reached = (step: BatchStep) => {
    clock.reached(step);
    return context.onStep(step);
  };
  // In one order, as the fence has it: what two groups write of the same messages does not deadlock.
  const wanted = withoutSharedSessions(batches.toSorted(byPartition));
  // 1. New names get their numbers, in a transaction of their own. A crash after it leaves numbers
  //    that no entry uses, and that the next batch finds.
  const sources = await context.sources.prepare(wanted.flatMap(({ sessions }) => sessions));

  // From BEGIN to COMMIT, a crash at any step leaves nothing: Postgres rolls the transaction back, and
  // whoever reads the position next reads the whole batch again.
  const { moved, applied } = await inLookupTransaction(context.database, async (connection) => {
    // 2. BEGIN.
    await reached('begun');

    // 3. The fence: only the transaction that holds the row of the position moves it. A worker that
    //    lost the partition while it was paused finds another position here, and writes nothing.
    const names = usedNames(sources);
    const { parts, moved } = await fenceBatches(connection, wanted, names, waits);
    const [first] = parts;
    if (first === undefined) return { moved, applied: [] };
    const rowOid = rowOidIfCurrent(first.row, sources);
    await reached('fenced');

    // 4. Every message gets its outcome, under locks on the sessions that change.
    const classified = await classifyBatches(connection, loader, parts);
    await reached('sessions_locked');

    // 5. The entries of the applied messages.
    const events = classified.reduce((sum, { counts }) => sum + counts.applied, 0);
    const entries = encodeEntries(parts, sources, { rowOid, applied: events }, buffers);
    if (entries.pages !== undefined) await insertPages.run(connection, { rows: entries.pages });
    await announceAccounts(
      connection,
      parts.flatMap(({ sessions }) => sessions),
    );
    await reached('pages_written');

    // 6. Their sums.
    if (entries.usage !== undefined) await addUsage.run(connection, entries.usage);
    // Both statements have their answers. After an error the memory may still be on its way: it is left.
    buffers.give(entries.memory);
    await reached('usage_added');

    // 7. Conflicts, what agents counted themselves, and dead letters with their bytes.
    const applied = parts.map((part, i) => ({ ...part, ...(classified[i] as ClassifiedBatch) }));
    for (const { batch, sessions, deadLetters } of applied) {
      await keepConflicts(connection, batch, sessions);
      await keepReports(connection, batch, sessions);
      await keepDeadLetters(connection, batch, deadLetters, context.copiesDeadLetters);
    }
    await reached('dead_letters_kept');

    // 8. The books, the positions and their watermarks.
    await keepBooksOf(connection, applied, context.movesWatermark);
    await reached('books_kept');
    return { moved, applied };
  });
  // 9. COMMIT. A crash after it leaves everything, and whoever reads the position next begins after
  //    the batch. Where only the answer was lost, the next attempt returns `moved`.
  if (applied.length > 0) {
    // 10. What was committed is cached. A crash loses the cache with the process.
    loader.cache(applied.flatMap(({ sessions }) => sessions));
    await reached('committed');
  }
  const results = new Map(moved);
  for (const [i, part] of applied.entries()) {
    const { batch, sessions, counts, deadLetters, newDeadLetters } = part;
    // The steps are those of the transaction, and counted once.
    const stepMs = i === 0 ? clock.ms : NO_STEPS;
    context.onCommitted({ batch, sessions, deadLetters, stepMs });
    const otherAccounts = countOtherAccounts(sessions);
    const result = { status: 'applied', counts, otherAccounts } as const;
    results.set(batch, reportDeadLetters(batch, result, newDeadLetters));
  }
  return batches.map((batch) => results.get(batch));
}

function byPartition(a: Batch, b: Batch): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
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
