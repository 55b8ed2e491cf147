import { sql } from 'drizzle-orm';
import { statement } from '../../postgres/statement.ts';
import { session, sessionAccountChange, sessionChange } from '../schema/tables.ts';

/** Announces sessions in `usage_change` that changed without a page. */
export const insertSessionChanges = statement<{ sessionIds: Buffer }>(
  'insert_session_changes',
  sql`INSERT INTO ${sessionChange} (session_id)
    SELECT session_id FROM unnest(${sql.placeholder('sessionIds')}::text[]) AS changed (session_id)`,
);

/** Reads the account of a session, and locks the session until the end of the transaction. */
export const lockAccount = statement<{ sessionId: string }, { account_id: string | null }>(
  'lock_account',
  sql`SELECT account_id FROM ${session} WHERE session_id = ${sql.placeholder('sessionId')}
    FOR UPDATE`,
);

/** Sets the account of a locked session, as a revision of its own: caches of it are stale. */
export const updateAccount = statement<{ sessionId: string; accountId: string; step: bigint }>(
  'update_account',
  sql`UPDATE ${session} SET account_id = ${sql.placeholder('accountId')},
      revision = revision + ${sql.placeholder('step')}::bigint
    WHERE session_id = ${sql.placeholder('sessionId')}`,
);

export interface AccountChangeRow {
  session_id: string;
  changed_at: Date;
  account_before: string | null;
  account_after: string;
  reason: string | null;
  decided_by: string;
}

/** Keeps a person's decision about the account of a session. */
export const insertAccountChange = statement<
  { sessionId: string; before: string | null; after: string; reason: string | null },
  AccountChangeRow
>(
  'insert_account_change',
  sql`INSERT INTO ${sessionAccountChange} (session_id, account_before, account_after, reason)
    VALUES (${sql.placeholder('sessionId')}, ${sql.placeholder('before')},
      ${sql.placeholder('after')}, ${sql.placeholder('reason')})
    RETURNING session_id, changed_at, account_before, account_after, reason, decided_by`,
);
