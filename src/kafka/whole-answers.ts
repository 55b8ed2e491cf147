/** Bytes in front of an answer that say how long it is. Source: Kafka protocol, "Protocol Primitives". */
const LENGTH_BYTES = 4;
/** What is longer is passed on in the pieces in which it comes: maybe it is no broker that answers. */
const MAX_WHOLE_BYTES = 64 * 1_048_576;

/**
 * Puts the answers of a broker together from the pieces in which they arrive. kafkajs would keep the
 * pieces and copy them into one another; of megabytes a second that is most of what receiving leaves
 * to the garbage collector.
 */
export class WholeAnswers {
  readonly #deliver: (bytes: Buffer) => void;
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  /** The answer that is being put together, its length included. */
  #answer: Buffer | undefined;
  /** How much of it, or else of its length, has come. */
  #filled = 0;
  /** Bytes of an answer that is too long that are still to come. */
  #passing = 0;

  /** @param deliver gets whole answers, each with its length in front, in memory of its own */
  constructor(deliver: (bytes: Buffer) => void) {
    this.#deliver = deliver;
  }

  /** @param piece is copied */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#passing > 0) at = this.#pass(piece, at);
      else if (this.#answer === undefined) at = this.#begin(piece, at);
      else at = this.#fill(this.#answer, piece, at);
    }
  }

  #begin(piece: Buffer, start: number): number {
    const end = start + piece.copy(this.#length, this.#filled, start);
    this.#filled += end - start;
    if (this.#filled < LENGTH_BYTES) return end;
    this.#filled = 0;
    const bytes = this.#length.readInt32BE(0);
    if (bytes >= 0 && bytes <= MAX_WHOLE_BYTES) {
      this.#answer = Buffer.allocUnsafe(LENGTH_BYTES + bytes);
      this.#filled = this.#length.copy(this.#answer);
      if (bytes === 0) this.#finish(this.#answer);
    } else {
      this.#passing = bytes > 0 ? bytes : Number.POSITIVE_INFINITY;
      this.#deliver(Buffer.from(this.#length));
    }
    return end;
  }

  #fill(answer: Buffer, piece: Buffer, start: number): number {
    const copied = piece.copy(answer, this.#filled, start);
    this.#filled += copied;
    if (this.#filled === answer.length) this.#finish(answer);
    return start + copied;
  }

  #finish(answer: Buffer): void {
    this.#answer = undefined;
    this.#filled = 0;
    this.#deliver(answer);
  }

  #pass(piece: Buffer, start: number): number {
    const end = Math.min(piece.length, start + this.#passing);
    this.#passing -= end - start;
    this.#deliver(Buffer.from(piece.subarray(start, end)));
    return end;
  }
}
