import type { SessionNote } from '../../records/message.ts';

/** At least so many are kept, and at most twice as many. */
const KEPT = 10_000;

/** The ends of turns that were seen last, so that one that was sent twice counts once. */
export class RecentTurns {
  readonly #kept: number;
  #recent = new Set<string>();
  #older: ReadonlySet<string> = new Set<string>();

  constructor(kept = KEPT) {
    this.#kept = kept;
  }

  /** Whether no turn of this session ended at this time; from now on one did. */
  isNew({ sessionId, eventUs }: Pick<SessionNote, 'sessionId' | 'eventUs'>): boolean {
    const turn = `${eventUs} ${sessionId}`;
    if (this.#recent.has(turn) || this.#older.has(turn)) return false;
    if (this.#recent.size >= this.#kept) {
      this.#older = this.#recent;
      this.#recent = new Set();
    }
    this.#recent.add(turn);
    return true;
  }
}
