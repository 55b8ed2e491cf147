import type {
  BillableMessage,
  DeadLetterMessage,
  Message,
  OutcomeCounts,
} from '../records/message.ts';
import { IdentitySet } from './identity-set.ts';
import { refusalOf } from './rejection.ts';
import { MAX_SESSION_ATTRIBUTES, noteIn, noteOf, type SessionBatch } from './session-batch.ts';

/** Whether the batch brings more names than the session may have, as far as is known of it. */
export function bringsTooMany({ attributes, attributeCount, state }: SessionBatch): boolean {
  if (attributeCount > MAX_SESSION_ATTRIBUTES) return true;
  const known = state?.attributes;
  if (known === undefined || attributeCount + known.size <= MAX_SESSION_ATTRIBUTES) return false;
  let size = known.size;
  for (const name in attributes) if (!known.has(name)) size += 1;
  return size > MAX_SESSION_ATTRIBUTES && size > known.size;
}

/**
 * Refuses the messages that bring a session more names of attributes than it may have. Message by
 * message, in their order, so that it is the same for every batching. An event that is in the ledger
 * stays a duplicate; the attributes that it brings are not taken.
 *
 * @param works sessions to which that happens; they are left with the other messages
 */
export function refuseTooManyAttributes(
  messages: readonly Message[],
  works: readonly SessionBatch[],
  counts: OutcomeCounts,
): DeadLetterMessage[] {
  const sessions = new Map(works.map((work) => [work.sessionId, new BoundedSession(work)]));
  const refused: DeadLetterMessage[] = [];
  for (const message of messages) {
    const session = sessions.get(noteOf(message)?.sessionId ?? '');
    if (session === undefined || message.kind === 'dead_letter' || session.takes(message)) continue;
    const detail =
      `the session would have more than ${MAX_SESSION_ATTRIBUTES} names of attributes ` +
      `(attributes of this message: ${Object.keys(noteOf(message)?.attributes ?? {}).length})`;
    refused.push(refusalOf(message, 'invalid_value', detail));
    if (message.kind === 'ignored') counts.ignored -= 1;
    counts.dead_letter += 1;
  }
  for (const session of sessions.values()) session.finish();
  return refused;
}

const NONE = Object.freeze(Object.create(null)) as Readonly<Record<string, string>>;

/** One session, as the messages make it that it takes. */
class BoundedSession {
  readonly #work: SessionBatch;
  readonly #names: Set<string>;
  readonly #fresh = new IdentitySet();
  readonly #taken = new Map<string, SessionBatch>();

  constructor(work: SessionBatch) {
    this.#work = work;
    this.#names = new Set(work.state?.attributes);
  }

  takes(message: Exclude<Message, DeadLetterMessage>): boolean {
    const note = noteOf(message);
    if (note === undefined) return true;
    const names = Object.keys(note.attributes).filter((name) => !this.#names.has(name));
    const fits = names.length === 0 || this.#names.size + names.length <= MAX_SESSION_ATTRIBUTES;
    const isKnown = !fits && message.kind === 'billable' && this.#knows(message);
    if (!fits && !isKnown) return false;
    if (fits) for (const name of names) this.#names.add(name);
    const { sessionId, accountId, eventUs } = note;
    const attributes = fits ? note.attributes : NONE;
    const work = noteIn(this.#taken, { sessionId, accountId, eventUs, attributes });
    if (message.kind === 'billable') {
      work.billable.push(message);
      this.#fresh.add(message);
    }
    return true;
  }

  finish(): void {
    const { sessionId, state } = this.#work;
    const taken = this.#taken.get(sessionId);
    if (taken !== undefined) Object.assign(this.#work, taken, { state });
    else this.#work.isSettled = true;
  }

  #knows(event: BillableMessage): boolean {
    const inLedger = this.#work.state?.identities.lookup(event) === 'same';
    return inLedger || this.#fresh.lookup(event) === 'same';
  }
}
