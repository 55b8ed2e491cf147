import { setTimeout as delay } from 'node:timers/promises';
import { textArray } from '../postgres/arrays.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import {
  type CompactedRow,
  compactSessions,
  countDue,
  dueSessions,
} from './statements/compaction.ts';

/** The durable steps of a compaction; see `ApplyContext.onStep`. */
export const COMPACTION_STEPS = ['pages_merged', 'merge_committed'] as const;
export type CompactionStep = (typeof COMPACTION_STEPS)[number];

/** What one transaction did. */
export interface Compacted {
  /** Sessions of which pages were merged. */
  readonly sessions: number;
  /** Pages that were replaced, and those that replaced them. */
  readonly pagesBefore: number;
  readonly pagesAfter: number;
  readonly ms: number;
  /** Sessions that the transaction came to. */
  readonly seen: number;
}

export interface CompactionOptions {
  /** Sessions that were not written to for so long. */
  readonly quietS: number;
  /** `Infinity`: no bound. */
  readonly maxPagesPerS: number;
  /** Aborted to stop after the transaction under way. */
  readonly signal: AbortSignal;
  readonly onCompacted: (compacted: Compacted) => void;
  readonly onStep?: (step: CompactionStep) => void | Promise<void>;
}

/** Sessions that are looked up at a time. */
const MOST_SESSIONS = 200;
/**
 * After which a transaction takes no other session. An event of a session that is being compacted, which
 * was quiet until then, waits for that transaction.
 */
const BUDGET_MS = 5;

/**
 * Merges the pages of every session that is due, in short transactions, until none is left but those
 * that are being written to. Any number of processes may do so concurrently: none waits for a session
 * that another one has locked.
 *
 * A merge changes neither the entries of a session nor its revision: what workers have cached of it stays
 * true. A crash leaves the pages as they were before the transaction.
 */
export async function compactDue(database: Database, options: CompactionOptions): Promise<void> {
  const { quietS, signal } = options;
  let isProgressing = true;
  while (isProgressing && !signal.aborted) {
    isProgressing = false;
    const due = await inTransaction(database, (connection) =>
      dueSessions.run(connection, { quietS, most: MOST_SESSIONS }),
    );
    let left = due.map(({ session_id }) => session_id);
    while (left.length > 0 && !signal.aborted) {
      const rows = await compactSome(database, left, options);
      left = left.slice(rows.length);
      isProgressing ||= rows.some(({ state }) => state !== 'locked');
    }
  }
}

/** How many sessions are due, about: some may turn out to be live. */
export async function dueCount(database: Database, quietS: number): Promise<number> {
  const [row] = await inTransaction(database, (connection) => countDue.run(connection, { quietS }));
  return Number(row?.sessions);
}

async function compactSome(
  database: Database,
  sessionIds: readonly string[],
  options: CompactionOptions,
): Promise<CompactedRow[]> {
  const { quietS, maxPagesPerS, signal, onCompacted, onStep = () => {} } = options;
  const begun = performance.now();
  let sessions = 0;
  let pagesBefore = 0;
  let pagesAfter = 0;
  const rows = await inTransaction(database, async (connection) => {
    const found = await compactSessions.run(connection, {
      sessionIds: textArray(sessionIds),
      quietS,
      budgetMs: BUDGET_MS,
    });
    for (const { state, pages_before, pages_after } of found) {
      if (state === 'merged') sessions += 1;
      pagesBefore += pages_before;
      pagesAfter += pages_after;
    }
    if (sessions > 0) await onStep('pages_merged');
    return found;
  });
  if (sessions > 0) await onStep('merge_committed');
  const ms = performance.now() - begun;
  onCompacted({ sessions, pagesBefore, pagesAfter, ms, seen: rows.length });
  // A session costs something also when it has nothing to merge.
  const pauseMs = ((pagesBefore + rows.length) / maxPagesPerS) * 1_000 - ms;
  if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => {});
  return rows;
}
