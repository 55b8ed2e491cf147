import { IDENTITY_RULE } from '../identify/identity.ts';
import { int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import { IdentitySet } from './identity-set.ts';
import { revisionStep } from './revision.ts';
import { MAX_SESSION_ATTRIBUTES, type SessionBatch } from './session-batch.ts';
import { SessionCache, type SessionState } from './session-cache.ts';
import { StaleCacheError } from './stale-cache-error.ts';
import { changedSessions, loadSessions, touchSessions } from './statements/sessions.ts';

/**
 * What a worker knows of sessions. All of it is a guess, since the database may have been restored to
 * an earlier moment, and is compared by revision in the transaction that relies on it. There:
 * `recall`, then `lock` what may change and `reload` of the rest what is not current; after the
 * commit: `remember`.
 */
export class SessionLoader {
  #cache: SessionCache;
  readonly #maxBytes: number;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
    this.#cache = new SessionCache(maxBytes);
  }

  /**
   * Fills in what is known of the sessions, from memory or else from committed data.
   *
   * @returns the sessions that came from memory
   */
  async recall(connection: Queryable, works: readonly SessionBatch[]): Promise<Set<SessionBatch>> {
    const remembered = new Set<SessionBatch>();
    const unknown: SessionBatch[] = [];
    for (const work of works) {
      work.state = this.#cache.get(work.sessionId);
      if (work.state === undefined) unknown.push(work);
      else remembered.add(work);
    }
    await this.#load(connection, unknown);
    return remembered;
  }

  /**
   * Compares sessions, as they came from memory, with committed data, and loads again those that
   * differ.
   *
   * @returns those that were loaded again
   */
  async reload(connection: Queryable, works: readonly SessionBatch[]): Promise<Set<SessionBatch>> {
    if (works.length === 0) return new Set();
    const rows = await changedSessions.run(connection, {
      sessionIds: textArray(works.map(({ sessionId }) => sessionId)),
      revisions: int8Array(works.map(({ state }) => state?.revision ?? null)),
    });
    if (rows.length === 0) return new Set();
    const changed = new Set(rows.map((row) => row.session_id));
    const stale = works.filter(({ sessionId }) => changed.has(sessionId));
    for (const { sessionId } of stale) this.#cache.delete(sessionId);
    await this.#load(connection, stale);
    // Those without detail are told apart before anything else is decided.
    if (stale.some(({ state }) => state?.lacksDetail === true)) {
      throw new StaleCacheError('sessions lost their detail since they were remembered');
    }
    return new Set(stale);
  }

  /**
   * Locks sessions and notes in their rows what the batch says of them. The revision that comes back
   * tells whether what is known is current; what is not is loaded again, under the lock.
   */
  async lock(connection: Queryable, works: readonly SessionBatch[]): Promise<void> {
    if (works.length === 0) return;
    const step = revisionStep();
    const rows = await touchSessions.run(connection, {
      sessionIds: textArray(works.map(({ sessionId }) => sessionId)),
      accountIds: textArray(works.map(({ accountId }) => accountId)),
      attributes: textArray(works.map(newAttributes)),
      firstUs: int8Array(works.map(({ firstUs }) => firstUs)),
      lastUs: int8Array(works.map(({ lastUs }) => lastUs)),
      step,
    });
    const byId = new Map(rows.map((row) => [row.session_id, row]));
    const stale: SessionBatch[] = [];
    for (const work of works) {
      const row = byId.get(work.sessionId);
      if (row === undefined) throw new Error(`session ${work.sessionId} was not locked`);
      const revision = BigInt(row.revision);
      work.touched = { revision, period: row.period, accountId: row.account_id };
      if (revision - step !== (work.state?.revision ?? 0n)) stale.push(work);
    }
    const states = await load(connection, stale);
    for (const work of stale) {
      this.#cache.delete(work.sessionId);
      const assumedRule = work.state?.olderRule;
      work.state = states.get(work.sessionId);
      if (wasMisjudged(work) || work.state?.olderRule !== assumedRule) {
        throw new StaleCacheError(`session ${work.sessionId} is not what was remembered of it`);
      }
    }
  }

  /** Keeps what the committed transaction added to the sessions. */
  remember(works: readonly SessionBatch[]): void {
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
          ...olderRule(state?.olderRule),
        });
      } else {
        this.#cache.delete(sessionId);
      }
    }
  }

  forget(): void {
    this.#cache = new SessionCache(this.#maxBytes);
  }

  async #load(connection: Queryable, works: readonly SessionBatch[]): Promise<void> {
    const states = await load(connection, works);
    for (const work of works) {
      work.state = states.get(work.sessionId);
      // Whoever puts its detail back changes no revision.
      const isWhole = work.state !== undefined && work.state.lacksDetail !== true;
      if (isWhole) this.#cache.set(work.sessionId, work.state as SessionState);
    }
  }
}

/** Of an entry, with its fingerprint. */
const IDENTITY_BYTES = 16;
const NO_ATTRIBUTES: ReadonlySet<string> = new Set();

function attributesOf({ state, attributes }: SessionBatch): ReadonlySet<string> {
  const known = state?.attributes ?? NO_ATTRIBUTES;
  for (const name in attributes) {
    if (!known.has(name)) return new Set([...known, ...Object.keys(attributes)]);
  }
  return known;
}

/** As JSON: what the session is not known to have. */
function newAttributes({ state, attributes }: SessionBatch): string {
  if (attributes === undefined) return '{}';
  if (state === undefined) return JSON.stringify(attributes);
  let added: Record<string, string> | undefined;
  for (const name in attributes) {
    if (state.attributes.has(name)) continue;
    added ??= Object.create(null) as Record<string, string>;
    added[name] = attributes[name] ?? '';
  }
  return added === undefined ? '{}' : JSON.stringify(added);
}

/**
 * Whether what was decided before the lock, by what was remembered of a session, does not hold for
 * what it is under the lock.
 */
function wasMisjudged({ state, attributes }: SessionBatch): boolean {
  if (state === undefined || state.lacksDetail === true) return true;
  if (attributes === undefined) return false;
  if (state.attributes.size > MAX_SESSION_ATTRIBUTES) return true;
  for (const name in attributes) if (!state.attributes.has(name)) return true;
  return false;
}

function olderRule(rule: number | undefined): Pick<SessionState, 'olderRule'> {
  return rule === undefined || rule === IDENTITY_RULE ? {} : { olderRule: rule };
}

async function load(
  connection: Queryable,
  works: readonly SessionBatch[],
): Promise<Map<string, SessionState>> {
  const states = new Map<string, SessionState>();
  if (works.length === 0) return states;
  const sessionIds = textArray(works.map(({ sessionId }) => sessionId));
  // One more than there may be, so that it is seen.
  const mostAttributes = MAX_SESSION_ATTRIBUTES + 1;
  for (const row of await loadSessions.run(connection, { sessionIds, mostAttributes })) {
    const identities = new IdentitySet();
    if (row.identities !== null) identities.addPage(row.identities);
    const entries = (row.identities?.length ?? 0) / IDENTITY_BYTES;
    states.set(row.session_id, {
      revision: BigInt(row.revision),
      period: row.period,
      accountId: row.account_id,
      attributes: new Set(row.attributes),
      firstUs: Number(row.first_us),
      lastUs: Number(row.last_us),
      identities,
      ...(Number(row.billed) > entries && { lacksDetail: true }),
      ...olderRule(row.identity_rule),
    });
  }
  return states;
}
