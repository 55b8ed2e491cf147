import { int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import { IdentitySet } from './identity-set.ts';
import { loadStates } from './load-sessions.ts';
import { revisionStep } from './revision.ts';
import { attributesAfter, attributesAreStale, newAttributes } from './session-attributes.ts';
import type { SessionBatch } from './session-batch.ts';
import { type Committed, SessionCache, sessionState } from './session-cache.ts';
import { StaleCacheError } from './stale-cache.ts';
import { changedSessions, touchSessions } from './statements/sessions.ts';

/**
 * Loads sessions through the cache. The cache may be stale, also because the database was restored to
 * an earlier moment, and is compared by revision in the transaction that relies on it: `load`, then
 * `lock` the sessions that may change and `reload` the others; after the commit, `cache`.
 */
export class SessionLoader {
  #cache: SessionCache;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#cache = new SessionCache(maxBytes);
  }

  /**
   * Fills in what is known of the sessions, from the cache or else from committed data.
   *
   * @returns the sessions that came from the cache
   */
  async load(connection: Queryable, sessions: readonly SessionBatch[]): Promise<Set<SessionBatch>> {
    const cached = new Set<SessionBatch>();
    const missing: SessionBatch[] = [];
    for (const session of sessions) {
      session.state = this.#cache.get(session.sessionId);
      if (session.state === undefined) missing.push(session);
      else cached.add(session);
    }
    await this.#fill(connection, missing);
    return cached;
  }

  /**
   * Compares sessions that came from the cache with committed data, and loads those that differ.
   *
   * @returns the sessions that were loaded
   */
  async reload(
    connection: Queryable,
    sessions: readonly SessionBatch[],
  ): Promise<Set<SessionBatch>> {
    if (sessions.length === 0) return new Set();
    const rows = await changedSessions.run(connection, {
      sessionIds: textArray(sessions.map(({ sessionId }) => sessionId)),
      revisions: int8Array(sessions.map(({ state }) => state?.revision ?? null)),
    });
    if (rows.length === 0) return new Set();
    const changed = new Set(rows.map((row) => row.session_id));
    const stale = sessions.filter(({ sessionId }) => changed.has(sessionId));
    for (const { sessionId } of stale) this.#cache.delete(sessionId);
    await this.#fill(connection, stale);
    // Sessions without their detail are classified before all others.
    if (stale.some(({ state }) => state?.lacksDetail === true)) {
      throw new StaleCacheError('a session lost its detail after it was cached');
    }
    return new Set(stale);
  }

  /**
   * Locks sessions, and writes to their rows what the batch adds to them. By the revision that comes
   * back, a state that is not current is loaded again, under the lock.
   *
   * @returns the sessions that were loaded again
   */
  async lock(
    connection: Queryable,
    sessions: readonly SessionBatch[],
  ): Promise<readonly SessionBatch[]> {
    if (sessions.length === 0) return [];
    const step = revisionStep();
    const rows = await touchSessions.run(connection, {
      sessionIds: textArray(sessions.map(({ sessionId }) => sessionId)),
      accountIds: textArray(sessions.map(({ accountId }) => accountId)),
      attributes: textArray(sessions.map(newAttributes)),
      firstUs: int8Array(sessions.map(({ firstUs }) => firstUs)),
      lastUs: int8Array(sessions.map(({ lastUs }) => lastUs)),
      step,
    });
    const byId = new Map(rows.map((row) => [row.session_id, row]));
    const stale: SessionBatch[] = [];
    for (const session of sessions) {
      const row = byId.get(session.sessionId);
      if (row === undefined) throw new Error(`session ${session.sessionId} was not locked`);
      const revision = BigInt(row.revision);
      const isStale = revision - step !== (session.state?.revision ?? 0n);
      if (isStale) stale.push(session);
      const hadNone = isStale || session.state?.accountId === null;
      const gotAccount = hadNone && row.account_id !== null && row.account_id === session.accountId;
      session.touched = { revision, period: row.period, accountId: row.account_id, gotAccount };
    }
    const assumedRules = stale.map(({ state }) => state?.olderRule);
    await loadStates(connection, stale);
    for (const [i, session] of stale.entries()) {
      this.#cache.delete(session.sessionId);
      const { state, sessionId } = session;
      if (
        state === undefined ||
        state.lacksDetail === true ||
        state.olderRule !== assumedRules[i] ||
        attributesAreStale(session)
      ) {
        throw new StaleCacheError(`session ${sessionId} changed after it was cached`);
      }
    }
    return stale;
  }

  /** Caches the sessions as the committed transaction left them. */
  cache(sessions: readonly SessionBatch[]): void {
    for (const session of sessions) {
      const { sessionId, state, touched, firstUs, lastUs } = session;
      if (touched === undefined) continue;
      const fresh = session.outcomes?.fresh ?? [];
      const committed: Committed = {
        revision: touched.revision,
        accountId: touched.accountId,
        attributes: attributesAfter(session),
        firstUs: Math.min(firstUs, state?.firstUs ?? firstUs),
        lastUs: Math.max(lastUs, state?.lastUs ?? lastUs),
        // They are in the order of their offsets.
        lastOffset: Math.max(fresh.at(-1)?.offset ?? -1, state?.lastOffset ?? -1),
      };
      const known = this.#cache.get(sessionId);
      if (state !== undefined && known === state) {
        this.#cache.advance(sessionId, state, committed, fresh);
      } else if (known === undefined) {
        const identities = state?.identities ?? new IdentitySet();
        identities.addAll(fresh);
        const created = sessionState(committed, touched.period, identities, state?.olderRule);
        this.#cache.set(sessionId, created);
      } else {
        this.#cache.delete(sessionId);
      }
    }
  }

  clear(): void {
    this.#cache = new SessionCache(this.#maxBytes);
  }

  async #fill(connection: Queryable, sessions: readonly SessionBatch[]): Promise<void> {
    await loadStates(connection, sessions);
    for (const { sessionId, state } of sessions) {
      // Not without its detail: whoever restores that changes no revision.
      if (state !== undefined && state.lacksDetail !== true) this.#cache.set(sessionId, state);
    }
  }
}
