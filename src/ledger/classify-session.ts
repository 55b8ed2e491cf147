import { type Identity, separateIdentity } from '../identify/identity.ts';
import type { BillableMessage } from '../records/message.ts';
import { IdentitySet, type Membership } from './identity-set.ts';
import type { SessionBatch } from './session-batch.ts';
import type { SessionState } from './session-cache.ts';

/** Up to so many messages are compared one by one: most sessions have few in a batch. */
const FEW = 16;

/** Classifies the messages of a locked session: applied, duplicate or conflict. */
export function classifySession(session: SessionBatch): void {
  const fresh: BillableMessage[] = [];
  const conflicting: BillableMessage[] = [];
  let duplicates = 0;
  let freshSet: IdentitySet | undefined;
  for (const message of session.billable) {
    let membership = membershipOf(message, session);
    if (membership === 'absent') {
      membership = freshSet?.lookup(message) ?? lookupAmong(fresh, message);
    }
    if (membership === 'same') {
      duplicates += 1;
    } else if (membership === 'other') {
      conflicting.push(message);
    } else {
      fresh.push(message);
      if (freshSet !== undefined) freshSet.add(message);
      else if (fresh.length > FEW) freshSet = setOf(fresh);
    }
  }
  if (fresh.length > 0 && session.touched === undefined) {
    throw new Error(`session ${session.sessionId} would be written without a lock on it`);
  }
  session.outcomes = { fresh, conflicting, duplicates };
}

/**
 * Classifies the messages of a session to which they add nothing, so that it need not be locked.
 *
 * @returns false, and nothing is classified, where they may add something
 */
export function classifyUnchanged(session: SessionBatch): boolean {
  const { state, billable } = session;
  if (state === undefined || addsToState(session, state)) return false;
  const conflicting: BillableMessage[] = [];
  for (const message of billable) {
    const membership = membershipOf(message, session);
    if (membership === 'absent') return false;
    if (membership === 'other') conflicting.push(message);
  }
  const duplicates = billable.length - conflicting.length;
  session.outcomes = { fresh: [], conflicting, duplicates };
  return true;
}

/**
 * Of a message among those that the ledger has of its session, also as the second of two that a person
 * billed both.
 */
function membershipOf(message: BillableMessage, { state, booked }: SessionBatch): Membership {
  const membership = state === undefined ? 'absent' : lookUp(state.identities, message);
  return membership !== 'same' && booked?.has(message.offset) === true ? 'same' : membership;
}

function lookUp(identities: IdentitySet, message: Identity): Membership {
  const membership = identities.lookup(message);
  if (membership !== 'other') return membership;
  return identities.lookup(separateIdentity(message)) === 'same' ? 'same' : 'other';
}

/** Whether the batch brings a time, an account or an attribute that the session does not have. */
function addsToState(session: SessionBatch, state: SessionState): boolean {
  if (session.firstUs < state.firstUs || session.lastUs > state.lastUs) return true;
  if (state.accountId === null && session.accountId !== null) return true;
  for (const name in session.attributes) if (!state.attributes.has(name)) return true;
  return false;
}

/** One for all sessions, which are classified one after the other: a set for each costs 1 µs an event. */
const sharedSet = new IdentitySet();

function setOf(messages: readonly Identity[]): IdentitySet {
  sharedSet.clear();
  sharedSet.addAll(messages);
  return sharedSet;
}

function lookupAmong(messages: readonly Identity[], message: Identity): Membership {
  for (const other of messages) {
    if (other.identityLow !== message.identityLow) continue;
    if (other.identityHigh !== message.identityHigh) continue;
    const isSame =
      other.fingerprintHigh === message.fingerprintHigh &&
      other.fingerprintLow === message.fingerprintLow;
    return isSame ? 'same' : 'other';
  }
  return 'absent';
}
