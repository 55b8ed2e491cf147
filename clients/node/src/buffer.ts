/** An encoded event of one session. */
export interface EncodedEvent {
  readonly key: string;
  readonly body: Buffer;
}

/** What an event takes beyond its key and body, in bytes. */
const OVERHEAD_BYTES = 200;

/** Bytes that an event counts for. */
export function sizeOf({ key, body }: EncodedEvent): number {
  return key.length + body.length + OVERHEAD_BYTES;
}

/** A queue of events that drops its oldest rather than grow beyond a number of bytes. */
export class EventBuffer {
  readonly #maxBytes: number;
  #events: EncodedEvent[] = [];
  #bytes = 0;
  /** Events at the front that are being sent: they are not dropped for newer ones. */
  #held = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get length(): number {
    return this.#events.length;
  }

  /** Appends an event; returns how many were dropped for it, itself too if there is no room at all. */
  add(event: EncodedEvent): number {
    this.#events.push(event);
    this.#bytes += sizeOf(event);
    let dropped = 0;
    while (this.#bytes > this.#maxBytes && this.#held + dropped < this.#events.length) {
      this.#bytes -= sizeOf(this.#events[this.#held + dropped] as EncodedEvent);
      dropped += 1;
    }
    if (dropped > 0) this.#events.splice(this.#held, dropped);
    return dropped;
  }

  /** The oldest events, up to `count` and `bytes` but at least one: they stay until `release`. */
  hold(count: number, bytes: number): readonly EncodedEvent[] {
    let total = 0;
    let held = 0;
    for (const event of this.#events) {
      total += sizeOf(event);
      if (held > 0 && (held === count || total > bytes)) break;
      held += 1;
    }
    this.#held = held;
    return this.#events.slice(0, held);
  }

  /** Ends `hold`: the events that were held are removed, or stay to be held again. */
  release(areDone: boolean): void {
    const held = this.#held;
    this.#held = 0;
    if (!areDone) return;
    for (const event of this.#events.splice(0, held)) this.#bytes -= sizeOf(event);
  }

  /** Removes everything; returns how many events that were. */
  clear(): number {
    const { length } = this.#events;
    this.#events = [];
    this.#bytes = 0;
    this.#held = 0;
    return length;
  }
}
