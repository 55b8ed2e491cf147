import type { ProducedMessage } from '../src/produce/event-producer.ts';
import { Random } from '../src/simulate/random.ts';
import type { SimulatedEvent } from '../src/simulate/simulate-events.ts';
import { SimulatedCall } from '../src/simulate/simulated-call.ts';

/** A call lasts 3 to 10 minutes, and sends an event every 2 to 5 seconds. */
const SECONDS = { shortest: 180, longest: 600, fastest: 2, slowest: 5 };
const MEAN_GAP = (SECONDS.fastest + SECONDS.slowest) / 2;
const SEED = 20_261_127;
/** Time is divided into ticks: what is due in one is sent together. */
export const TICK_MS = 10;

export interface DueEvent {
  readonly event: SimulatedEvent;
  readonly partition: NonNullable<ProducedMessage['partition']>;
}

interface LiveCall {
  readonly call: SimulatedCall;
  readonly partition: number;
}

/**
 * As many calls at a time as make up the rate. Whenever one ends another begins; at the start each is
 * somewhere within its course.
 */
export class LiveCalls {
  readonly #partitions: number;
  readonly #speed: number;
  readonly #random = new Random(SEED, 0);
  readonly #due = new Map<number, LiveCall[]>();
  #begun = 0;

  /**
   * @param rate events per second
   * @param speed how many times faster a call is than a real one; it has as many events
   */
  constructor(rate: number, speed: number, partitions: number) {
    this.#partitions = partitions;
    this.#speed = speed;
    const atOnce = Math.max(Math.round((rate * MEAN_GAP) / speed), 1);
    for (let i = 0; i < atOnce; i += 1) {
      this.#begin(this.#random.unit() * this.#gap(), 1 - this.#random.unit());
    }
  }

  /** How many calls have begun. */
  get begun(): number {
    return this.#begun;
  }

  /** What the calls send in a tick; ticks are asked for one after the other. */
  at(tick: number): DueEvent[] {
    const due = this.#due.get(tick) ?? [];
    this.#due.delete(tick);
    return due.flatMap((live) => {
      const { call, partition } = live;
      const metric = call.next();
      if (metric === undefined) {
        this.#begin(tick + this.#gap(), 1);
        return [];
      }
      this.#schedule(live, tick + this.#gap());
      const { sessionId: session_id, accountId: account_id } = call;
      return [{ event: { session_id, account_id, metric }, partition }];
    });
  }

  /** @param share of the call that is still to come */
  #begin(tick: number, share: number): void {
    const { shortest, longest } = SECONDS;
    const seconds = shortest + this.#random.unit() * (longest - shortest);
    const events = Math.max(Math.round((seconds * share) / MEAN_GAP), 1);
    const index = this.#begun;
    this.#begun += 1;
    const call = new SimulatedCall(SEED, index, Date.now() / 1_000, events);
    this.#schedule({ call, partition: index % this.#partitions }, tick);
  }

  #schedule(live: LiveCall, tick: number): void {
    const at = Math.ceil(tick);
    const due = this.#due.get(at);
    if (due === undefined) this.#due.set(at, [live]);
    else due.push(live);
  }

  /** Ticks until a call's next event. */
  #gap(): number {
    const { fastest, slowest } = SECONDS;
    const seconds = fastest + this.#random.unit() * (slowest - fastest);
    return (seconds * 1_000) / TICK_MS / this.#speed;
  }
}
