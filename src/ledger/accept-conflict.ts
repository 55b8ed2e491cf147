import { type Database, inTransaction } from '../postgres/database.ts';
import { bookDecision } from './book-decision.ts';
import { lockForBilling, lockOpenConflict } from './lock-conflict.ts';
import { type ConflictKey, resolveConflict } from './statements/conflicts.ts';
import { differencesOf } from './usage-difference.ts';

/** Keeps what is billed. */
export async function dismissConflict(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    await lockOpenConflict(connection, key);
    await resolveConflict.run(connection, { ...key, resolution: 'dismissed' });
  });
}

/**
 * Bills the conflicting payload instead of the first one: a correction, at the conflict's offset, adds
 * the signed difference, so that what is billed stays the sum of the ledger.
 */
export async function acceptConflict(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    const conflict = await lockForBilling(connection, key);
    const { metric, usage, before, identity } = conflict;
    const differences = differencesOf(metric, usage, before);
    await bookDecision(connection, key, conflict, { identity, isCorrection: true, differences });
    await resolveConflict.run(connection, { ...key, resolution: 'accepted' });
  });
}
