import type { Batch } from '../ledger/message.ts';
import { DeadLetterWindow } from './dead-letter-window.ts';
import type { Halt } from './halt.ts';

/**
 * The share of dead letters among what a partition has booked, wherever they came about: what the
 * preparation refuses is known before the batch, what Postgres refuses only while it is booked.
 */
export class BookedWindow {
  readonly #window: DeadLetterWindow;
  /** Messages before this offset are noted. */
  #notedTo = 0;
  #halt: Halt | undefined;

  /** @param limit see DeadLetterWindow */
  constructor(limit: number) {
    this.#window = new DeadLetterWindow(limit);
  }

  /**
   * Notes that Postgres refused the message at `offset`, and that those before it are booked.
   *
   * @returns whether the batch may go on
   */
  rejected({ messages }: Batch, offset: number): boolean {
    this.#noteUpTo(messages, offset);
    this.#note(true);
    this.#notedTo = offset + 1;
    return this.#halt === undefined;
  }

  /** Notes that the batch is booked to before `nextOffset`; why to halt, when dead letters are many. */
  booked({ messages }: Batch, nextOffset: number): Halt | undefined {
    this.#noteUpTo(messages, nextOffset);
    return this.#halt;
  }

  #noteUpTo(messages: Batch['messages'], end: number): void {
    for (const { offset, kind } of messages) {
      if (offset < this.#notedTo) continue;
      if (offset >= end) break;
      this.#note(kind === 'dead_letter');
    }
    this.#notedTo = Math.max(this.#notedTo, end);
  }

  #note(isDeadLetter: boolean): void {
    if (this.#window.note(isDeadLetter)) this.#halt ??= this.#window.halt();
  }
}
