import type { SessionNote } from '../../records/message.ts';

/** At least so many are kept, and at most twice as many. */
const KEPT = 10_000;

/** The ends of turns that were seen last, so that one that was sent twice counts once. */
export class RecentTurns {
  readonly #kept: number;
  /** By time, in microseconds: the session. Texts of both would cost more than all other metrics. */
  #recent = new Map<number, string>();
  #older: ReadonlyMap<number, string> = new Map<number, string>();

  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  /** Whether no turn of this session ended at this time; from now on one did. */
  isNew({ sessionId, eventUs }: Pick<SessionNote, 'sessionId' | 'eventUs'>): boolean {
    if (this.#recent.get(eventUs) === sessionId) return false;
    if (this.#older.get(eventUs) === sessionId) return false;
    if (this.#recent.size >= this.#kept) {
      this.#older = this.#recent;
      this.#recent = new Map();
    }
    this.#recent.set(eventUs, sessionId);
    return true;
  }
}
