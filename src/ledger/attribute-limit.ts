import type { BillableMessage, DeadLetterMessage, Message } from '../records/message.ts';
import { deadLetterOf } from './dead-letter.ts';
import { IdentitySet } from './identity-set.ts';
import { addMessage, MAX_SESSION_ATTRIBUTES, noteOf, type SessionBatch } from './session-batch.ts';

/** Whether a session would have too many attributes after the batch, as far as is known of it. */
export function attributesExceedLimit({
  attributes,
  attributeCount,
  state,
}: SessionBatch): boolean {
  if (attributeCount > MAX_SESSION_ATTRIBUTES) return true;
  const known = state?.attributes;
  if (known === undefined || attributeCount + known.size <= MAX_SESSION_ATTRIBUTES) return false;
  let size = known.size;
  for (const name in attributes) if (!known.has(name)) size += 1;
  return size > MAX_SESSION_ATTRIBUTES && size > known.size;
}

/**
 * Makes dead letters of the messages with which a session would have too many attributes. Message by
 * message, in order, so that it is the same for every batching. An event that is in the ledger stays a
 * duplicate; its attributes are not taken.
 *
 * @param sessions in which there are such messages; they keep the others
 */
export function refuseExcessAttributes(
  messages: readonly Message[],
  sessions: readonly SessionBatch[],
): DeadLetterMessage[] {
  const limited = new Map(
    sessions.map((session) => [session.sessionId, new LimitedSession(session)]),
  );
  const deadLetters: DeadLetterMessage[] = [];
  for (const message of messages) {
    const note = noteOf(message);
    const session = limited.get(note?.sessionId ?? '');
    if (session === undefined || note === undefined || message.kind === 'dead_letter') continue;
    if (session.takes(message)) continue;
    const detail =
      `the session would have more than ${MAX_SESSION_ATTRIBUTES} names of attributes ` +
      `(attributes of this message: ${Object.keys(note.attributes).length})`;
    deadLetters.push(deadLetterOf(message, 'invalid_value', detail));
  }
  for (const session of limited.values()) session.finish();
  return deadLetters;
}

const NO_ATTRIBUTES: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

/** A session as the messages make it that are taken. */
class LimitedSession {
  readonly #session: SessionBatch;
  readonly #names: Set<string>;
  readonly #identities = new IdentitySet();
  readonly #taken = new Map<string, SessionBatch>();

  constructor(session: SessionBatch) {
    this.#session = session;
    this.#names = new Set(session.state?.attributes);
  }

  takes(message: Exclude<Message, DeadLetterMessage>): boolean {
    const note = noteOf(message);
    if (note === undefined) return true;
    const added = Object.keys(note.attributes).filter((name) => !this.#names.has(name));
    const fits = added.length === 0 || this.#names.size + added.length <= MAX_SESSION_ATTRIBUTES;
    if (!fits && !(message.kind === 'billable' && this.#has(message))) return false;
    if (fits) for (const name of added) this.#names.add(name);
    const { sessionId, accountId, eventUs } = note;
    const attributes = fits ? note.attributes : NO_ATTRIBUTES;
    addMessage(this.#taken, message, { sessionId, accountId, eventUs, attributes });
    if (message.kind === 'billable') this.#identities.add(message);
    return true;
  }

  /** Leaves the session with the messages that were taken. */
  finish(): void {
    const { sessionId, state } = this.#session;
    const taken = this.#taken.get(sessionId);
    if (taken !== undefined) {
      Object.assign(this.#session, taken, { state });
    } else {
      this.#session.ignored = 0;
      this.#session.report = undefined;
      this.#session.outcomes = { fresh: [], conflicting: [], duplicates: 0 };
    }
  }

  #has(message: BillableMessage): boolean {
    const inLedger = this.#session.state?.identities.lookup(message) === 'same';
    return inLedger || this.#identities.lookup(message) === 'same';
  }
}
