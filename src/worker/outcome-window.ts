import type { Halt } from '../ledger/halt.ts';
import type { Batch } from '../records/message.ts';
import type { TopicPartition } from '../records/topic-partition.ts';
import { DeadLetterWindow } from './dead-letter-window.ts';

/**
 * The share of dead letters among the applied messages of a partition, however they came about: those
 * of decoding and validation are known before the batch, those of Postgres only while it is applied.
 */
export class OutcomeWindow {
  readonly #where: TopicPartition;
  readonly #window: DeadLetterWindow;
  /** Messages before this offset are noted. */
  #notedTo = 0;
  #halt: Halt | undefined;

  /** @param limit and `from`: see DeadLetterWindow */
  constructor(where: TopicPartition, limit: number, from = 0) {
    this.#where = where;
    this.#window = new DeadLetterWindow(limit, from);
  }

  /** The share of dead letters among the last messages. */
  get share(): number {
    return this.#window.share;
  }

  /**
   * Notes that Postgres rejected the message at `offset`, and that those before it are applied.
   *
   * @returns whether the rest of the batch may be applied
   */
  rejected({ messages }: Batch, offset: number): boolean {
    this.#noteUpTo(messages, offset);
    this.#note(true, offset);
    this.#notedTo = offset + 1;
    return this.#halt === undefined;
  }

  /**
   * Notes that the messages of the batch before `nextOffset` are applied.
   *
   * @param hasDeadLetters whether there is one among them
   * @returns why to halt, when the share exceeds the limit
   */
  applied(batch: Batch, nextOffset: number, hasDeadLetters: boolean): Halt | undefined {
    const { messages, fromOffset } = batch;
    const isWhole = nextOffset === batch.nextOffset && this.#notedTo <= fromOffset;
    if (isWhole && !hasDeadLetters && this.#window.dead === 0) {
      this.#window.noteAlive(messages.length, fromOffset);
      this.#notedTo = nextOffset;
    } else {
      this.#noteUpTo(messages, nextOffset);
    }
    return this.#halt;
  }

  #noteUpTo(messages: Batch['messages'], end: number): void {
    for (const { offset, kind } of messages) {
      if (offset < this.#notedTo) continue;
      if (offset >= end) break;
      this.#note(kind === 'dead_letter', offset);
    }
    this.#notedTo = Math.max(this.#notedTo, end);
  }

  #note(isDeadLetter: boolean, offset: number): void {
    if (this.#window.note(isDeadLetter, offset)) this.#halt ??= this.#window.halt(this.#where);
  }
}
