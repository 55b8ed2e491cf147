import { CheckFailedError } from '../errors.ts';
import { separateIdentity } from '../identify/identity.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import { bookDecision } from './book-decision.ts';
import { isBilled, lockForBilling, nameOf } from './lock-conflict.ts';
import { type ConflictKey, resolveConflict } from './statements/conflicts.ts';
import { differencesOf } from './usage-difference.ts';

/**
 * Bills the conflicting payload as well as the first one: they were two emissions under one id. The
 * second one gets an entry of its own, at the conflict's offset, under an identity by which
 * `classifySession` finds the same payload a duplicate from then on.
 */
export async function billBoth(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    const conflict = await lockForBilling(connection, key);
    const { metric, usage, sessionId } = conflict;
    if (await isBilled(connection, sessionId, conflict.identity)) {
      throw new CheckFailedError(
        `the payload of conflict ${nameOf(key)} is billed already: a conflict with the same payload ` +
          'was accepted; dismiss this one',
      );
    }
    await bookDecision(connection, key, conflict, {
      identity: separateIdentity(conflict.identity),
      isCorrection: false,
      differences: differencesOf(metric, usage, []),
    });
    await resolveConflict.run(connection, { ...key, resolution: 'billed_both' });
  });
}
