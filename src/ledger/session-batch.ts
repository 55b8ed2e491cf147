import type { BillableMessage, Message, SessionNote } from '../records/message.ts';
import { laterReport, type Report } from './report.ts';
import type { SessionState } from './session-cache.ts';

/** The messages of one session in a batch, what the ledger knows of the session, and their outcomes. */
export interface SessionBatch {
  readonly sessionId: string;
  readonly billable: BillableMessage[];
  /** How many of its messages are ignored. */
  ignored: number;
  /** The latest of its reports. */
  report: Report | undefined;
  /** The first one that its messages name, those that are ignored included. */
  accountId: string | null;
  /** Whether a later message names another account than the first. */
  namesOtherAccount: boolean;
  attributes: Record<string, string> | undefined;
  /** How many there are. Once a session cannot have as many, no more are taken. */
  attributeCount: number;
  firstUs: number;
  lastUs: number;
  /** What the ledger knows of the session; `undefined`: it is new. */
  state: SessionState | undefined;
  /** Offsets whose messages are duplicates whatever they say; see `findBooked`. */
  booked: ReadonlySet<number> | undefined;
  /** The session's row as this transaction wrote it; `undefined`: the session is not locked. */
  touched:
    | {
        revision: bigint;
        period: string;
        accountId: string | null;
        /** The session, which was known, may have got its account from this batch. */
        gotAccount?: boolean;
      }
    | undefined;
  /** Of the billable messages; `undefined`: they are not classified yet. */
  outcomes: SessionOutcomes | undefined;
}

/** A batch, and its messages by session. */
export interface BatchSessions<B> {
  readonly batch: B;
  readonly sessions: readonly SessionBatch[];
}

/** The outcomes of the billable messages of a session: each of them is counted in one of these. */
export interface SessionOutcomes {
  /** To be applied. */
  readonly fresh: readonly BillableMessage[];
  readonly conflicting: readonly BillableMessage[];
  readonly duplicates: number;
}

/** A session may have so many attributes: all their names are loaded and kept in memory. */
export const MAX_SESSION_ATTRIBUTES = 256;

/** Groups messages by session, in the order in which sessions first appear. */
export function sessionBatchesOf(messages: readonly Message[]): SessionBatch[] {
  const sessions = new Map<string, SessionBatch>();
  for (const message of messages) {
    const note = noteOf(message);
    if (note !== undefined) addMessage(sessions, message, note);
  }
  return [...sessions.values()];
}

/** What a message says of its session; `undefined`: it has none. */
export function noteOf(message: Message): SessionNote | undefined {
  if (message.kind === 'billable') return message;
  return message.kind === 'ignored' ? message.session : undefined;
}

/** @param note of the message, or what may be taken of it */
export function addMessage(
  sessions: Map<string, SessionBatch>,
  message: Message,
  note: SessionNote,
): void {
  const session = addNote(sessions, note);
  if (message.kind === 'billable') {
    session.billable.push(message);
    return;
  }
  session.ignored += 1;
  if (message.kind !== 'ignored' || message.report === undefined) return;
  const { offset, report: modelUsage } = message;
  session.report = laterReport(session.report, { reportedUs: note.eventUs, offset, modelUsage });
}

function addNote(sessions: Map<string, SessionBatch>, note: SessionNote): SessionBatch {
  let session = sessions.get(note.sessionId);
  if (session === undefined) {
    session = {
      sessionId: note.sessionId,
      billable: [],
      ignored: 0,
      report: undefined,
      accountId: note.accountId,
      namesOtherAccount: false,
      attributes: undefined,
      attributeCount: 0,
      firstUs: note.eventUs,
      lastUs: note.eventUs,
      state: undefined,
      booked: undefined,
      touched: undefined,
      outcomes: undefined,
    };
    sessions.set(note.sessionId, session);
  }
  if (note.eventUs < session.firstUs) session.firstUs = note.eventUs;
  if (note.eventUs > session.lastUs) session.lastUs = note.eventUs;
  if (note.accountId !== null && note.accountId !== session.accountId) {
    if (session.accountId === null) session.accountId = note.accountId;
    else session.namesOtherAccount = true;
  }
  for (const name in note.attributes) {
    // The first value of an attribute stays, as the first account does.
    session.attributes ??= Object.create(null) as Record<string, string>;
    if (name in session.attributes) continue;
    if (session.attributeCount > MAX_SESSION_ATTRIBUTES) break;
    session.attributes[name] = note.attributes[name] ?? '';
    session.attributeCount += 1;
  }
  return session;
}

/** For how many sessions a message names another account than the one that the session keeps. */
export function countOtherAccounts(sessions: readonly SessionBatch[]): number {
  let count = 0;
  for (const { touched, state, accountId, namesOtherAccount } of sessions) {
    const kept = touched?.accountId ?? state?.accountId ?? accountId;
    if (namesOtherAccount || (accountId !== null && accountId !== kept)) count += 1;
  }
  return count;
}
