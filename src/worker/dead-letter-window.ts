import { type Halt, haltOf } from '../ledger/halt.ts';
import type { TopicPartition } from '../records/topic-partition.ts';

/** The last messages that the limit applies to, and how many it needs before it applies. */
const WINDOW = 10_000;
const MIN_SEEN = 1_000;

/**
 * The share of dead letters among the last messages of a partition. A few are bad data. Many are an
 * incident, such as a bad deploy or a wrong registry, and must halt it: they would divert all revenue.
 */
export class DeadLetterWindow {
  readonly #limit: number;
  readonly #from: number;
  readonly #marks = new Uint8Array(WINDOW);
  #seen = 0;
  #dead = 0;

  /**
   * @param limit share from 0 to 1 above which the partition is to be halted; 1: never
   * @param from messages before this offset do not count: a person has accepted them
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
    return this.#seen >= MIN_SEEN && this.#dead > this.#limit * this.size;
  }

  /** The same as `note(false, …)` for each of `count` messages from `offset` on. */
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

  /** The share of dead letters among the last messages. */
  get share(): number {
    return this.size === 0 ? 0 : this.#dead / this.size;
  }

  /** Why the partition is halted. */
  halt(where: TopicPartition): Halt {
    const cause =
      `${this.dead} of its last ${this.size} messages are dead letters, more than ` +
      'DEAD_LETTER_LIMIT allows';
    return haltOf('dead_letter_limit', where, cause);
  }
}
