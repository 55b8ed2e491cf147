import type { Identity } from '../identify/identity.ts';
import { IdentitySet, type Membership } from './identity-set.ts';
import type { BillableMessage, Message, OutcomeCounts, SessionNote } from './message.ts';
import type { SessionState } from './session-cache.ts';

/** What one batch holds for one session, and what has been decided about it. */
export interface SessionWork {
  readonly sessionId: string;
  readonly billable: BillableMessage[];
  /** From all messages of the session, also those that are not billed. */
  accountId: string | null;
  /** Whether a later message named another account than the first. */
  namesOtherAccount: boolean;
  attributes: Record<string, string> | undefined;
  firstUs: number;
  lastUs: number;
  /** What is known of the session; `undefined`: it is new. */
  state: SessionState | undefined;
  /** Set when the session was locked and its row written. */
  touched: { revision: number; period: string; accountId: string | null } | undefined;
  /** Not in the ledger before the batch commits. */
  readonly fresh: BillableMessage[];
  readonly conflicting: BillableMessage[];
}

/** Sorts messages by session, in the order in which sessions appear. */
export function sessionsOf(messages: readonly Message[]): Map<string, SessionWork> {
  const sessions = new Map<string, SessionWork>();
  for (const message of messages) {
    if (message.kind === 'billable') noteIn(sessions, message).billable.push(message);
    else if (message.kind === 'ignored' && message.session) noteIn(sessions, message.session);
  }
  return sessions;
}

function noteIn(sessions: Map<string, SessionWork>, note: SessionNote): SessionWork {
  let work = sessions.get(note.sessionId);
  if (work === undefined) {
    work = {
      sessionId: note.sessionId,
      billable: [],
      accountId: note.accountId,
      namesOtherAccount: false,
      attributes: undefined,
      firstUs: note.eventUs,
      lastUs: note.eventUs,
      state: undefined,
      touched: undefined,
      fresh: [],
      conflicting: [],
    };
    sessions.set(note.sessionId, work);
  }
  if (note.eventUs < work.firstUs) work.firstUs = note.eventUs;
  if (note.eventUs > work.lastUs) work.lastUs = note.eventUs;
  if (note.accountId !== null && note.accountId !== work.accountId) {
    if (work.accountId === null) work.accountId = note.accountId;
    else work.namesOtherAccount = true;
  }
  for (const key in note.attributes) {
    // The first value of an attribute stays, as the first account does.
    work.attributes ??= Object.create(null) as Record<string, string>;
    work.attributes[key] ??= note.attributes[key] ?? '';
  }
  return work;
}

/** Whether the batch may change anything about the session, so that it must be locked. */
export function mayChange(work: SessionWork): boolean {
  const { state } = work;
  if (state === undefined) return true;
  if (work.firstUs < state.firstUs || work.lastUs > state.lastUs) return true;
  if (state.accountId === null && work.accountId !== null) return true;
  for (const name in work.attributes) if (!state.attributes.has(name)) return true;
  return work.billable.some((event) => state.identities.lookup(event) === 'absent');
}

/** Up to so many are compared one by one: most sessions have few events in a batch. */
const FEW = 16;

/** Decides what becomes of each billable event: fresh, duplicate or conflict. */
export function settle(work: SessionWork, counts: OutcomeCounts): void {
  const { billable, state, fresh, conflicting } = work;
  let many: IdentitySet | undefined;
  for (const event of billable) {
    let membership = state?.identities.lookup(event) ?? 'absent';
    if (membership === 'absent') membership = many?.lookup(event) ?? lookupAmong(fresh, event);
    if (membership === 'same') {
      counts.duplicate += 1;
    } else if (membership === 'other') {
      counts.conflict += 1;
      conflicting.push(event);
    } else {
      counts.applied += 1;
      fresh.push(event);
      if (many !== undefined) many.add(event);
      else if (fresh.length > FEW) many = setOf(fresh);
    }
  }
  if (fresh.length > 0 && work.touched === undefined) {
    throw new Error(`session ${work.sessionId} would be written without its lock`);
  }
}

function setOf(events: readonly Identity[]): IdentitySet {
  const set = new IdentitySet();
  for (const event of events) set.add(event);
  return set;
}

function lookupAmong(events: readonly Identity[], event: Identity): Membership {
  for (const other of events) {
    if (other.identityLow !== event.identityLow) continue;
    if (other.identityHigh !== event.identityHigh) continue;
    const isSame =
      other.fingerprintHigh === event.fingerprintHigh &&
      other.fingerprintLow === event.fingerprintLow;
    return isSame ? 'same' : 'other';
  }
  return 'absent';
}
