import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import type { Batch, OutcomeCounts } from '../records/message.ts';
import { type ApplyResult, reportDeadLetters } from './apply-result.ts';
import { classifyBatch } from './classify-batch.ts';
import { type BatchStep, type CommittedBatch, StepClock } from './committed-batch.ts';
import { encodeEntries } from './encode-entries.ts';
import { keepConflicts } from './keep-conflicts.ts';
import { keepDeadLetters } from './keep-dead-letters.ts';
import { countOtherAccounts, sessionBatchesOf } from './session-batch.ts';
import type { SessionLoader } from './session-loader.ts';
import { rowOidIfCurrent, type SourceIds, usedNames } from './source-ids.ts';
import { fenceBatch } from './statements/fence.ts';
import { insertPages } from './statements/pages.ts';
import { keepBooks, type PositionRow } from './statements/positions.ts';
import { addUsage } from './statements/usage.ts';

/** Offsets that one row of the books may span: small batches extend the newest row. */
const MAX_RANGE = 100_000;

export interface ApplyContext {
  readonly database: Database;
  readonly loader: SessionLoader;
  readonly sources: SourceIds;
  readonly copiesDeadLetters: boolean;
  /** Called after every step: tests kill, freeze and disconnect the worker there. */
  readonly onStep: (step: BatchStep) => void | Promise<void>;
  /** Called after each commit whose answer came; must not throw. */
  readonly onCommitted: (committed: CommittedBatch) => void;
}

/** Applies a batch in one transaction: all of it, with the books and the position, or nothing. */
export async function applyBatch(context: ApplyContext, batch: Batch): Promise<ApplyResult> {
  const { loader } = context;
  const clock = new StepClock();
  const reached = (step: BatchStep) => {
    clock.reached(step);
    return context.onStep(step);
  };
  const sessions = sessionBatchesOf(batch.messages);
  // 1. New names get their numbers, in a transaction of their own. A crash after it leaves numbers
  //    that no entry uses, and that the next batch finds.
  const sources = await context.sources.prepare(sessions);

  // From BEGIN to COMMIT, a crash at any step leaves nothing: Postgres rolls the transaction back, and
  // whoever reads the position next reads the whole batch again.
  const result = await inTransaction(context.database, async (connection) => {
    // 2. BEGIN.
    await reached('begun');

    // 3. The fence: only the transaction that holds the row of the position moves it. A worker that
    //    lost the partition while it was paused finds another position here, and writes nothing.
    const names = usedNames(sources);
    const { groupId, topic, partition } = batch;
    const [row] = await fenceBatch.run(connection, { groupId, topic, partition, ...names });
    const position = row && { nextOffset: Number(row.next_offset), pass: row.pass };
    const isMoved = position?.nextOffset !== batch.fromOffset || position.pass !== batch.pass;
    if (row === undefined || isMoved) return { status: 'moved', position } as const;
    const rowOid = rowOidIfCurrent(row, sources);
    await reached('fenced');

    // 4. Every message gets its outcome, under locks on the sessions that change.
    const { counts, deadLetters, newDeadLetters } = await classifyBatch(
      connection,
      loader,
      batch,
      sessions,
    );
    await reached('sessions_locked');

    // 5. The entries of the applied messages.
    const entries = encodeEntries(batch, sessions, sources, { rowOid, applied: counts.applied });
    if (entries.pages !== undefined) await insertPages.run(connection, { rows: entries.pages });
    await reached('pages_written');

    // 6. Their sums.
    if (entries.usage !== undefined) await addUsage.run(connection, entries.usage);
    await reached('usage_added');

    // 7. Conflicts, and dead letters with their bytes.
    await keepConflicts(connection, batch, sessions);
    await keepDeadLetters(connection, batch, deadLetters, context.copiesDeadLetters);
    await reached('dead_letters_kept');

    // 8. The books and the position.
    await keepBooksOf(connection, batch, row, counts);
    await reached('books_kept');
    const otherAccounts = countOtherAccounts(sessions);
    const applied = { status: 'applied', counts, otherAccounts } as const;
    return { ...applied, deadLetters, newDeadLetters };
  });
  // 9. COMMIT. A crash after it leaves everything, and whoever reads the position next begins after
  //    the batch. Where only the answer was lost, the next attempt returns `moved`.
  if (result.status === 'moved') return result;

  // 10. What was committed is cached. A crash loses the cache with the process.
  loader.cache(sessions);
  await reached('committed');
  const { deadLetters, newDeadLetters, ...appliedResult } = result;
  context.onCommitted({ batch, sessions, deadLetters, stepMs: clock.ms });
  return reportDeadLetters(batch, appliedResult, newDeadLetters);
}

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
