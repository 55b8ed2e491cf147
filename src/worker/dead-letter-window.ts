import { type Halt, haltOf } from '../ledger/halt.ts';
import type { TopicPartition } from '../records/topic-partition.ts';

/** The limit looks at this many messages of a partition, and not before it has seen the fewest. */
const WINDOW = 10_000;
const FEWEST = 1_000;

/**
 * The share of dead letters among the last messages of a partition. A few are data; a flood is an
 * incident (a bad deploy, a wrong registry), and must stop instead of diverting all revenue.
 */
export class DeadLetterWindow {
  readonly #limit: number;
  readonly #from: number;
  readonly #marks = new Uint8Array(WINDOW);
  #seen = 0;
  #dead = 0;

  /**
   * @param limit share from 0 to 1 above which the partition is to be halted; 1: never
   * @param from messages before this offset do not count: a person has let them through
   */
  constructor(limit: number, from = 0) {
    this.#limit = limit;
    this.#from = from;
  }

  /** Notes the next message; `true` when the partition is to be halted after it. */
  note(isDeadLetter: boolean, offset = Number.POSITIVE_INFINITY): boolean {
    if (offset < this.#from) return false;
    const at = this.#seen % WINDOW;
    if (this.#seen >= WINDOW) this.#dead -= this.#marks[at] ?? 0;
    this.#marks[at] = isDeadLetter ? 1 : 0;
    this.#dead += isDeadLetter ? 1 : 0;
    this.#seen += 1;
    return this.#seen >= FEWEST && this.#dead > this.#limit * this.size;
  }

  /** Notes messages that are no dead letters; the same as `note` for each, from `offset` on. */
  noteAlive(count: number, offset: number): void {
    // Where nothing is marked, only their number matters.
    if (this.#dead === 0 && offset >= this.#from) this.#seen += count;
    else for (let i = 0; i < count; i += 1) this.note(false, offset + i);
  }

  get size(): number {
    return Math.min(this.#seen, WINDOW);
  }

  get dead(): number {
    return this.#dead;
  }

  /** Why the partition is halted. */
  halt(where: TopicPartition): Halt {
    const cause =
      `${this.dead} of its last ${this.size} messages are dead letters, more than ` +
      'DEAD_LETTER_LIMIT allows';
    return haltOf('dead_letter_limit', where, cause);
  }
}
