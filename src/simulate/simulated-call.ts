import { type AgentMetrics, ModelUsageCollector } from '../livekit/index.ts';
import { CallClock } from './call-clock.ts';
import type { CallScript } from './call-script.ts';
import { PipelineScript } from './pipeline-script.ts';
import { mix32, Random } from './random.ts';
import { RealtimeScript } from './realtime-script.ts';
import { sessionReport } from './session-report.ts';

const REALTIME_SHARE = 0.25;
const ACCOUNTS = 400;
const SHARE_WITHOUT_ACCOUNT = 0.05;

/**
 * One call in progress. Its events depend on seed and index alone, not on other calls.
 */
export class SimulatedCall {
  readonly sessionId: string;
  readonly accountId: string | null;
  readonly #script: CallScript;
  readonly #clock: CallClock;
  readonly #usage = new ModelUsageCollector();
  readonly #pending: AgentMetrics[] = [];
  #cursor = 0;
  #turnsLeft: number;
  #eventsLeft: number;
  #closed = false;

  /**
   * `startedAt` is in seconds since the Unix epoch. `events`, when given, is how many there are; the
   * call then ends without a report of its usage.
   */
  constructor(seed: number, index: number, startedAt: number, events: number | undefined) {
    const random = new Random(seed, index);
    // The mixed index makes ids of one seed distinct, the rest makes seeds differ.
    const distinct = mix32(mix32(seed) ^ index)
      .toString(16)
      .padStart(8, '0');
    this.sessionId = `AJ_${distinct}${random.hex(6)}`;
    this.accountId = random.chance(SHARE_WITHOUT_ACCOUNT)
      ? null
      : `acct_${random.integer(1, ACCOUNTS)}`;
    const clock = new CallClock(startedAt);
    this.#clock = clock;
    this.#script = random.chance(REALTIME_SHARE)
      ? new RealtimeScript(random, clock)
      : new PipelineScript(random, clock);
    this.#turnsLeft = events === undefined ? random.integer(3, 24) : Number.POSITIVE_INFINITY;
    this.#eventsLeft = events ?? Number.POSITIVE_INFINITY;
  }

  /** The next event, or undefined when the call is over. */
  next(): AgentMetrics | undefined {
    if (this.#eventsLeft === 0) return undefined;
    this.#eventsLeft -= 1;
    if (this.#eventsLeft === 0) {
      const last = this.#script.close();
      if (last !== undefined) return last;
    }
    if (this.#cursor === this.#pending.length) this.#refill();
    const event = this.#pending[this.#cursor];
    this.#cursor += 1;
    if (event !== undefined) this.#usage.collect(event);
    return event;
  }

  #refill(): void {
    this.#pending.length = 0;
    this.#cursor = 0;
    if (this.#turnsLeft > 0) {
      this.#turnsLeft -= 1;
      this.#script.turn(this.#pending);
    } else if (!this.#closed) {
      this.#closed = true;
      const last = this.#script.close();
      if (last !== undefined) {
        this.#usage.collect(last);
        this.#pending.push(last);
      }
      this.#pending.push(sessionReport(this.#usage.flatten(), this.#clock.advance(0.1)));
    }
  }
}
