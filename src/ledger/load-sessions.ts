import { IDENTITY_RULE } from '../identify/identity.ts';
import { textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import { IdentitySet } from './identity-set.ts';
import { MAX_SESSION_ATTRIBUTES, type SessionBatch } from './session-batch.ts';
import { type SessionState, sessionState } from './session-cache.ts';
import { loadSessions } from './statements/sessions.ts';

/** Of an entry, its fingerprint included. */
const IDENTITY_BYTES = 16;

/** Fills in what Postgres holds of the sessions. */
export async function loadStates(
  connection: Queryable,
  sessions: readonly SessionBatch[],
): Promise<void> {
  if (sessions.length === 0) return;
  const rows = await loadSessions.run(connection, {
    sessionIds: textArray(sessions.map(({ sessionId }) => sessionId)),
    // One more than the limit, so that an excess is seen.
    mostAttributes: MAX_SESSION_ATTRIBUTES + 1,
  });
  const states = new Map<string, SessionState>();
  for (const row of rows) {
    const identities = new IdentitySet();
    if (row.identities !== null) identities.addPage(row.identities);
    const entries = (row.identities?.length ?? 0) / IDENTITY_BYTES;
    const committed = {
      revision: BigInt(row.revision),
      accountId: row.account_id,
      attributes: new Set(row.attributes),
      firstUs: Number(row.first_us),
      lastUs: Number(row.last_us),
      lastOffset: Number(row.last_offset ?? -1),
    };
    const olderRule = row.identity_rule === IDENTITY_RULE ? undefined : row.identity_rule;
    const lacksDetail = Number(row.billed) > entries;
    const state = sessionState(committed, row.period, identities, olderRule, lacksDetail);
    states.set(row.session_id, state);
  }
  for (const session of sessions) session.state = states.get(session.sessionId);
}
