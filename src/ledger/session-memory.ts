import { numberArray, textArray } from './array-literal.ts';
import { IdentitySet } from './identity-set.ts';
import { SessionCache, type SessionState } from './session-cache.ts';
import type { SessionWork } from './session-work.ts';
import type { Queryable } from './statement.ts';
import { loadSessions, touchSessions } from './statements/sessions.ts';

/**
 * What a worker knows of sessions, and the lock under which that is certain. In a transaction:
 * `recall`, then `lock` what may change; after its commit: `remember`.
 */
export class SessionMemory {
  readonly #cache: SessionCache;

  constructor(maxBytes: number) {
    this.#cache = new SessionCache(maxBytes);
  }

  /** Fills in what is known of the sessions, from memory or else from committed data. */
  async recall(connection: Queryable, works: readonly SessionWork[]): Promise<void> {
    const unknown: SessionWork[] = [];
    for (const work of works) {
      work.state = this.#cache.get(work.sessionId);
      if (work.state === undefined) unknown.push(work);
    }
    const states = await load(connection, unknown);
    for (const work of unknown) {
      work.state = states.get(work.sessionId);
      if (work.state !== undefined) this.#cache.set(work.sessionId, work.state);
    }
  }

  /**
   * Locks sessions and notes in their rows what the batch says of them. The revision that comes back
   * tells whether what is known is current; what is not is loaded again, under the lock.
   */
  async lock(connection: Queryable, works: readonly SessionWork[]): Promise<void> {
    if (works.length === 0) return;
    const rows = await touchSessions.run(connection, {
      sessionIds: textArray(works.map(({ sessionId }) => sessionId)),
      accountIds: textArray(works.map(({ accountId }) => accountId)),
      attributes: textArray(works.map(({ attributes }) => JSON.stringify(attributes ?? {}))),
      firstUs: numberArray(works.map(({ firstUs }) => firstUs)),
      lastUs: numberArray(works.map(({ lastUs }) => lastUs)),
    });
    const byId = new Map(rows.map((row) => [row.session_id, row]));
    const stale: SessionWork[] = [];
    for (const work of works) {
      const row = byId.get(work.sessionId);
      if (row === undefined) throw new Error(`session ${work.sessionId} was not locked`);
      const revision = Number(row.revision);
      work.touched = { revision, period: row.period, accountId: row.account_id };
      if (revision !== (work.state?.revision ?? 0) + 1) stale.push(work);
    }
    const states = await load(connection, stale);
    for (const work of stale) {
      this.#cache.delete(work.sessionId);
      work.state = states.get(work.sessionId);
    }
  }

  /** Keeps what the committed transaction added to the sessions. */
  remember(works: readonly SessionWork[]): void {
    for (const work of works) {
      const { sessionId, state, touched, firstUs, lastUs, fresh } = work;
      if (touched === undefined) continue;
      const attributes = attributesOf(work);
      const { revision, period, accountId } = touched;
      const bounds = {
        firstUs: Math.min(firstUs, state?.firstUs ?? firstUs),
        lastUs: Math.max(lastUs, state?.lastUs ?? lastUs),
      };
      const known = this.#cache.get(sessionId);
      if (state !== undefined && known === state) {
        this.#cache.advance(sessionId, state, {
          revision,
          accountId,
          attributes,
          ...bounds,
          fresh,
        });
      } else if (known === undefined) {
        const identities = state?.identities ?? new IdentitySet();
        identities.addAll(fresh);
        this.#cache.set(sessionId, {
          revision,
          period,
          accountId,
          attributes,
          ...bounds,
          identities,
        });
      } else {
        this.#cache.delete(sessionId);
      }
    }
  }
}

const NO_ATTRIBUTES: ReadonlySet<string> = new Set();

function attributesOf({ state, attributes }: SessionWork): ReadonlySet<string> {
  const known = state?.attributes ?? NO_ATTRIBUTES;
  return attributes === undefined ? known : new Set([...known, ...Object.keys(attributes)]);
}

async function load(
  connection: Queryable,
  works: readonly SessionWork[],
): Promise<Map<string, SessionState>> {
  const states = new Map<string, SessionState>();
  if (works.length === 0) return states;
  const sessionIds = textArray(works.map(({ sessionId }) => sessionId));
  for (const row of await loadSessions.run(connection, { sessionIds })) {
    let state = states.get(row.session_id);
    if (state === undefined) {
      state = {
        revision: Number(row.revision),
        period: row.period,
        accountId: row.account_id,
        attributes: new Set(row.attributes),
        firstUs: Number(row.first_us),
        lastUs: Number(row.last_us),
        identities: new IdentitySet(),
      };
      states.set(row.session_id, state);
    }
    if (row.identities !== null) state.identities.addPage(row.identities);
  }
  return states;
}
