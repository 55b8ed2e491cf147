/** Bytes before a response that say how long it is. Source: Kafka protocol, "Protocol Primitives". */
const SIZE_BYTES = 4;
/** What is longer is passed on in the pieces in which it comes: maybe no broker sends it. */
const MAX_WHOLE_BYTES = 64 * 1_048_576;

/**
 * Puts together the responses of a broker from the pieces in which they arrive, each in memory of its own.
 *
 * kafkajs would keep the pieces until a response is whole: hundreds of buffers per second that outlive the
 * young generation, for which V8 collects the whole heap again and again. And it keeps what came before a
 * connection broke for the one that follows, whose responses it then cannot read.
 */
export class ResponseFrames {
  readonly #deliver: (bytes: Buffer) => void;
  readonly #size = Buffer.alloc(SIZE_BYTES);
  /** The response that is being put together, its size included. */
  #response: Buffer | undefined;
  /** How much of it, or else of its size, has come. */
  #filled = 0;
  /** Bytes still to come of a response that is too long. */
  #passing = 0;

  /** @param deliver receives whole responses, each with its size */
  constructor(deliver: (bytes: Buffer) => void) {
    this.#deliver = deliver;
  }

  /** @param piece is copied */
  push(piece: Buffer): void {
    let at = 0;
    while (at < piece.length) {
      if (this.#passing > 0) at = this.#pass(piece, at);
      else if (this.#response === undefined) at = this.#begin(piece, at);
      else at = this.#fill(this.#response, piece, at);
    }
  }

  #begin(piece: Buffer, start: number): number {
    const end = start + piece.copy(this.#size, this.#filled, start);
    this.#filled += end - start;
    if (this.#filled < SIZE_BYTES) return end;
    this.#filled = 0;
    const bytes = this.#size.readInt32BE(0);
    if (bytes >= 0 && bytes <= MAX_WHOLE_BYTES) {
      this.#response = Buffer.allocUnsafe(SIZE_BYTES + bytes);
      this.#filled = this.#size.copy(this.#response);
      if (bytes === 0) this.#finish(this.#response);
    } else {
      this.#passing = bytes > 0 ? bytes : Number.POSITIVE_INFINITY;
      this.#deliver(Buffer.from(this.#size));
    }
    return end;
  }

  #fill(response: Buffer, piece: Buffer, start: number): number {
    const copied = piece.copy(response, this.#filled, start);
    this.#filled += copied;
    if (this.#filled === response.length) this.#finish(response);
    return start + copied;
  }

  #finish(response: Buffer): void {
    this.#response = undefined;
    this.#filled = 0;
    this.#deliver(response);
  }

  #pass(piece: Buffer, start: number): number {
    const end = Math.min(piece.length, start + this.#passing);
    this.#passing -= end - start;
    this.#deliver(Buffer.from(piece.subarray(start, end)));
    return end;
  }
}
