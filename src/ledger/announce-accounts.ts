import { textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { SessionBatch } from './session-batch.ts';
import { insertSessionChanges } from './statements/session-changes.ts';

/**
 * Announces sessions that got their account from messages of which none is applied: what was billed for
 * them before belongs to somebody now, and no page says so. The sessions are classified.
 */
export async function announceAccounts(
  connection: Queryable,
  sessions: readonly SessionBatch[],
): Promise<void> {
  const ids = sessions
    .filter(({ touched, outcomes }) => touched?.gotAccount && outcomes?.fresh.length === 0)
    .map(({ sessionId }) => sessionId);
  if (ids.length === 0) return;
  await insertSessionChanges.run(connection, { sessionIds: textArray(ids) });
}
