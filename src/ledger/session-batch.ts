import type { Identity } from '../identify/identity.ts';
import type { BillableMessage, Message, OutcomeCounts, SessionNote } from '../records/message.ts';
import { IdentitySet, type Membership } from './identity-set.ts';
import type { SessionState } from './session-cache.ts';

/** What one batch holds for one session, and what has been decided about it. */
export interface SessionBatch {
  readonly sessionId: string;
  readonly billable: BillableMessage[];
  /** From all messages of the session, also those that are not billed. */
  accountId: string | null;
  /** Whether a later message named another account than the first. */
  namesOtherAccount: boolean;
  attributes: Record<string, string> | undefined;
  /** Names among them; once there are too many for a session, no more are taken. */
  attributeCount: number;
  firstUs: number;
  lastUs: number;
  /** What is known of the session; `undefined`: it is new. */
  state: SessionState | undefined;
  /** Set when the session was locked and its row written. */
  touched: { revision: bigint; period: string; accountId: string | null } | undefined;
  /** Not in the ledger before the batch commits; the same as `billable` when all of them are. */
  fresh: readonly BillableMessage[];
  readonly conflicting: BillableMessage[];
  /** All is decided, and nothing is written. */
  isSettled: boolean;
}

/** Most names of attributes that a session may have: all of them are loaded and kept in memory. */
export const MAX_SESSION_ATTRIBUTES = 256;
const NONE: readonly BillableMessage[] = [];

/** Sorts messages by session, in the order in which sessions appear. */
export function sessionsOf(messages: readonly Message[]): Map<string, SessionBatch> {
  const sessions = new Map<string, SessionBatch>();
  for (const message of messages) {
    if (message.kind === 'billable') noteIn(sessions, message).billable.push(message);
    else if (message.kind === 'ignored' && message.session) noteIn(sessions, message.session);
  }
  return sessions;
}

/** What a message says of its session; `undefined`: it has none. */
export function noteOf(message: Message): SessionNote | undefined {
  if (message.kind === 'billable') return message;
  return message.kind === 'ignored' ? message.session : undefined;
}

export function noteIn(sessions: Map<string, SessionBatch>, note: SessionNote): SessionBatch {
  let work = sessions.get(note.sessionId);
  if (work === undefined) {
    work = {
      sessionId: note.sessionId,
      billable: [],
      accountId: note.accountId,
      namesOtherAccount: false,
      attributes: undefined,
      attributeCount: 0,
      firstUs: note.eventUs,
      lastUs: note.eventUs,
      state: undefined,
      touched: undefined,
      fresh: NONE,
      conflicting: [],
      isSettled: false,
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
    if (key in work.attributes) continue;
    if (work.attributeCount > MAX_SESSION_ATTRIBUTES) break;
    work.attributes[key] = note.attributes[key] ?? '';
    work.attributeCount += 1;
  }
  return work;
}

/**
 * Decides about a session to which the batch adds nothing, so that it need not be locked.
 *
 * @returns false, and nothing is decided: the batch may change something about it
 */
export function classifyUnchanged(work: SessionBatch, counts: OutcomeCounts): boolean {
  const { state, billable } = work;
  if (state === undefined || saysMore(work, state)) return false;
  const conflicting: BillableMessage[] = [];
  for (const event of billable) {
    const membership = state.identities.lookup(event);
    if (membership === 'absent') return false;
    if (membership === 'other') conflicting.push(event);
  }
  counts.duplicate += billable.length - conflicting.length;
  counts.conflict += conflicting.length;
  for (const event of conflicting) work.conflicting.push(event);
  return true;
}

/** Takes back what `classifyUnchanged` decided. */
export function reopen({ billable, conflicting }: SessionBatch, counts: OutcomeCounts): void {
  counts.duplicate -= billable.length - conflicting.length;
  counts.conflict -= conflicting.length;
  conflicting.length = 0;
}

/** Whether the batch says of the session itself what is not known yet. */
function saysMore(work: SessionBatch, state: SessionState): boolean {
  if (work.firstUs < state.firstUs || work.lastUs > state.lastUs) return true;
  if (state.accountId === null && work.accountId !== null) return true;
  for (const name in work.attributes) if (!state.attributes.has(name)) return true;
  return false;
}

/** Up to so many are compared one by one: most sessions have few events in a batch. */
const FEW = 16;

/** Decides what becomes of each billable event: fresh, duplicate or conflict. */
export function settle(work: SessionBatch, counts: OutcomeCounts): void {
  const { billable, state, conflicting } = work;
  // Nearly always all are fresh, or none is: those that are need copying only when some are.
  let fresh = billable;
  let count = 0;
  let many: IdentitySet | undefined;
  for (const event of billable) {
    let membership = state?.identities.lookup(event) ?? 'absent';
    if (membership === 'absent') {
      membership = many?.lookup(event) ?? lookupAmong(fresh, count, event);
    }
    if (membership === 'absent') {
      fresh[count] = event;
      count += 1;
      if (many !== undefined) many.add(event);
      else if (count > FEW) many = setOf(fresh, count);
      continue;
    }
    if (fresh === billable) fresh = billable.slice(0, count);
    if (membership === 'same') {
      counts.duplicate += 1;
    } else {
      counts.conflict += 1;
      conflicting.push(event);
    }
  }
  counts.applied += count;
  work.fresh = fresh;
  if (count > 0 && work.touched === undefined) {
    throw new Error(`session ${work.sessionId} would be written without its lock`);
  }
}

/** One for all sessions: they are settled one after the other. */
const among = new IdentitySet();

function setOf(events: readonly Identity[], count: number): IdentitySet {
  among.clear();
  for (let i = 0; i < count; i += 1) among.add(events[i] as Identity);
  return among;
}

/** @param count how many of the events are looked at */
function lookupAmong(events: readonly Identity[], count: number, event: Identity): Membership {
  for (let i = 0; i < count; i += 1) {
    const other = events[i] as Identity;
    if (other.identityLow !== event.identityLow) continue;
    if (other.identityHigh !== event.identityHigh) continue;
    const isSame =
      other.fingerprintHigh === event.fingerprintHigh &&
      other.fingerprintLow === event.fingerprintLow;
    return isSame ? 'same' : 'other';
  }
  return 'absent';
}
