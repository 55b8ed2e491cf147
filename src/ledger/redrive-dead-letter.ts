import { inTransaction } from '../postgres/database.ts';
import type { Batch, DeadLetterMessage, Message, Outcome } from '../records/message.ts';
import { announceAccounts } from './announce-accounts.ts';
import type { ApplyContext } from './apply-batch.ts';
import { classifyBatches } from './classify-batch.ts';
import { encodeEntries } from './encode-entries.ts';
import { keepConflicts } from './keep-conflicts.ts';
import { keepReports } from './keep-reports.ts';
import { sessionBatchesOf } from './session-batch.ts';
import { rowOidIfCurrent, usedNames } from './source-ids.ts';
import { lockDeadLetter, resolveDeadLetter } from './statements/dead-letters.ts';
import { compareNames } from './statements/fence.ts';
import { insertPages } from './statements/pages.ts';
import { addUsage } from './statements/usage.ts';

/** What became of a dead letter that was tried again. */
export type RedriveResult =
  | { readonly status: 'resolved'; readonly outcome: Exclude<Outcome, 'dead_letter'> }
  | { readonly status: 'dead_letter'; readonly deadLetter: DeadLetterMessage }
  /** It was resolved by another process meanwhile. */
  | { readonly status: 'already_resolved' };

export interface RedriveOptions {
  readonly dryRun: boolean;
  readonly metricOf: Batch['metricOf'];
}

/**
 * Applies the message of a dead letter, and resolves the dead letter in the same transaction. The books
 * keep its offset as a dead letter; `verify` counts the resolution.
 */
export async function redrive(
  { database, loader, sources: sourceIds, buffers }: ApplyContext,
  where: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  message: Exclude<Message, DeadLetterMessage>,
  { dryRun, metricOf }: RedriveOptions,
): Promise<RedriveResult> {
  const key = { ...where, offset: message.offset };
  const batch = { ...where, messages: [message], metricOf };
  const sessions = sessionBatchesOf(batch.messages);
  const sources = await sourceIds.prepare(sessions);
  try {
    const result = await inTransaction(database, async (connection): Promise<RedriveResult> => {
      const [open] = await lockDeadLetter.run(connection, key);
      if (open === undefined) return { status: 'already_resolved' };
      const [facts] = await compareNames.run(connection, usedNames(sources));
      const rowOid = rowOidIfCurrent(facts, sources);
      const parts = [{ batch, sessions }];
      const [classified] = await classifyBatches(connection, loader, parts);
      if (classified === undefined) throw new Error('a batch was not classified');
      const { counts, deadLetters } = classified;
      const [deadLetter] = deadLetters;
      if (deadLetter !== undefined) throw new RollBack({ status: 'dead_letter', deadLetter });
      const { applied } = counts;
      const entries = encodeEntries(parts, sources, { rowOid, applied }, buffers);
      if (entries.pages !== undefined) await insertPages.run(connection, { rows: entries.pages });
      if (entries.usage !== undefined) await addUsage.run(connection, entries.usage);
      buffers.give(entries.memory);
      await announceAccounts(connection, sessions);
      await keepConflicts(connection, batch, sessions);
      await keepReports(connection, batch, sessions);
      const outcome = OUTCOMES.find((name) => counts[name] > 0);
      if (outcome === undefined) throw new Error('a message has no outcome');
      await resolveDeadLetter.run(connection, { ...key, resolution: outcome });
      const resolved = { status: 'resolved', outcome } as const;
      if (dryRun) throw new RollBack(resolved);
      return resolved;
    });
    loader.cache(sessions);
    return result;
  } catch (error) {
    if (error instanceof RollBack) return error.result;
    throw error;
  }
}

const OUTCOMES = ['applied', 'duplicate', 'ignored', 'conflict'] as const;

/** Rolls the transaction back, and carries its result out of it. */
class RollBack extends Error {
  readonly result: RedriveResult;

  constructor(result: RedriveResult) {
    super('rolled back');
    this.result = result;
  }
}
