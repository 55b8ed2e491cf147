/** The clock of one call. It advances before every event, so timestamps are unique in the call. */
export class CallClock {
  /** Seconds since the Unix epoch. */
  readonly startedAt: number;
  /** Seconds since the Unix epoch. */
  now: number;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
    this.now = startedAt;
  }

  /** Moves on by `seconds`, but at least by a millisecond, and returns the new time. */
  advance(seconds: number): number {
    this.now += Math.max(seconds, 0.001);
    return this.now;
  }
}
