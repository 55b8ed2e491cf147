import type { Identity } from '../identify/identity.ts';
import type { IdentitySet } from './identity-set.ts';

/** A session as of one revision. */
export interface SessionState {
  revision: bigint;
  /** Month of its pages, as YYYY-MM-DD. */
  readonly period: string;
  accountId: string | null;
  /** Names of the attributes that the session has. */
  attributes: ReadonlySet<string>;
  /** Microseconds since 1970. */
  firstUs: number;
  lastUs: number;
  readonly identities: IdentitySet;
  /** The highest offset of its entries, in whatever partition; -1: it has none. */
  lastOffset: number;
  /** More events are billed than are in the ledger: pages were removed. */
  readonly lacksDetail?: boolean;
  /** The rule by which its events are identified, when that is not `IDENTITY_RULE`. */
  readonly olderRule?: number | undefined;
}

/** What a transaction writes of a session that it touches. */
export type Committed = Omit<SessionState, 'period' | 'identities' | 'lacksDetail' | 'olderRule'>;

/** A state, always as an object of one shape: of several, V8 looks up each field at run time. */
export function sessionState(
  { revision, accountId, attributes, firstUs, lastUs, lastOffset }: Committed,
  period: string,
  identities: IdentitySet,
  olderRule: number | undefined,
  lacksDetail = false,
): SessionState {
  return {
    revision,
    period,
    accountId,
    attributes,
    firstUs,
    lastUs,
    lastOffset,
    identities,
    olderRule,
    lacksDetail,
  };
}

/** Estimated memory of a session without its identities and texts. */
const ENTRY_BYTES = 400;
/** Estimated memory of an attribute's name without its text: an object, and its place in a set. */
const NAME_BYTES = 96;
const CHARACTER_BYTES = 2;

/**
 * What the worker keeps of live sessions, so that most events are classified without a query. It is no
 * authority: every write to a session compares its revision under its lock, and loads a stale one
 * again.
 *
 * Above its limit, the least recently used sessions are evicted.
 */
export class SessionCache {
  readonly #maxBytes: number;
  readonly #sessions = new Map<string, SessionState>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(sessionId: string): SessionState | undefined {
    const state = this.#sessions.get(sessionId);
    if (state !== undefined) {
      this.#sessions.delete(sessionId);
      this.#sessions.set(sessionId, state);
    }
    return state;
  }

  /** @param state as committed */
  set(sessionId: string, state: SessionState): void {
    this.delete(sessionId);
    this.#sessions.set(sessionId, state);
    this.#bytes += sizeOf(sessionId, state);
    this.#evict();
  }

  delete(sessionId: string): void {
    const state = this.#sessions.get(sessionId);
    if (state === undefined) return;
    this.#sessions.delete(sessionId);
    this.#bytes -= sizeOf(sessionId, state);
  }

  /** Updates a session by what a transaction, which was based on `base`, committed. */
  advance(
    sessionId: string,
    base: SessionState,
    committed: Committed,
    fresh: readonly Identity[],
  ): void {
    // Another transaction replaced the state meanwhile, and either may be the newer one.
    if (this.#sessions.get(sessionId) !== base) {
      this.delete(sessionId);
      return;
    }
    this.#bytes -= base.identities.bytes;
    base.identities.addAll(fresh);
    this.#bytes += base.identities.bytes;
    // Of most sessions nothing else grows.
    const { accountId, attributes } = committed;
    if (accountId !== base.accountId || attributes !== base.attributes) {
      this.#bytes += bytesOfTexts(committed) - bytesOfTexts(base);
    }
    base.revision = committed.revision;
    base.accountId = accountId;
    base.firstUs = committed.firstUs;
    base.lastUs = committed.lastUs;
    base.lastOffset = committed.lastOffset;
    base.attributes = attributes;
    this.#evict();
  }

  #evict(): void {
    // Before the first key is looked for: it lies after the places of all that were used since.
    if (this.#bytes <= this.#maxBytes) return;
    for (const sessionId of this.#sessions.keys()) {
      // The newest stays, however large: it is in use.
      if (this.#bytes <= this.#maxBytes || this.#sessions.size === 1) return;
      this.delete(sessionId);
    }
  }
}

function sizeOf(sessionId: string, state: SessionState): number {
  const idBytes = sessionId.length * CHARACTER_BYTES;
  return state.identities.bytes + ENTRY_BYTES + idBytes + bytesOfTexts(state);
}

function bytesOfTexts({ accountId, attributes }: Committed): number {
  let characters = accountId?.length ?? 0;
  for (const name of attributes) characters += name.length;
  return attributes.size * NAME_BYTES + characters * CHARACTER_BYTES;
}
