import { WrongUsageError } from '../errors.ts';
import { textArray } from '../postgres/arrays.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import { nameProblem } from '../validate/value-problems.ts';
import { revisionStep } from './revision.ts';
import {
  type AccountChangeRow,
  insertAccountChange,
  insertSessionChanges,
  lockAccount,
  updateAccount,
} from './statements/session-changes.ts';

/**
 * Sets the account of a session, under the lock under which batches write to it. No later event changes
 * it, as none changes the first account of a session.
 *
 * @returns the decision as it is kept; `undefined`: the session has that account
 * @throws {WrongUsageError} when there is no such session, or the account is no name
 */
export async function setAccount(
  database: Database,
  sessionId: string,
  accountId: string,
  reason: string | null,
): Promise<AccountChangeRow | undefined> {
  if (accountId.trim() === '') throw new WrongUsageError('--account: expected an account id');
  const problem =
    nameProblem('--session', sessionId) ??
    nameProblem('--account', accountId) ??
    (reason === null ? undefined : nameProblem('--reason', reason));
  if (problem !== undefined) throw new WrongUsageError(problem);
  return inTransaction(database, async (connection) => {
    const [known] = await lockAccount.run(connection, { sessionId });
    if (known === undefined) {
      throw new WrongUsageError(`--session ${sessionId}: the ledger has no such session`);
    }
    if (known.account_id === accountId) return undefined;
    await updateAccount.run(connection, { sessionId, accountId, step: revisionStep() });
    await insertSessionChanges.run(connection, { sessionIds: textArray([sessionId]) });
    const [change] = await insertAccountChange.run(connection, {
      sessionId,
      before: known.account_id,
      after: accountId,
      reason,
    });
    return change;
  });
}
