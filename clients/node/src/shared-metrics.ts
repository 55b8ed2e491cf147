/**
 * Notices a metric that reaches two sessions, and warns of it once: a model that two sessions share
 * reports each request to both of them, and both are billed for it.
 */
export class SharedMetrics {
  readonly #sessionOf = new WeakMap<object, string>();
  readonly #warn: (message: string) => void;
  #hasWarned = false;

  constructor(warn: (message: string) => void) {
    this.#warn = warn;
  }

  /** Takes note of a metric that arrived through a session. */
  note(metric: object, sessionId: string): void {
    const other = this.#sessionOf.get(metric);
    this.#sessionOf.set(metric, sessionId);
    if (other === undefined || other === sessionId || this.#hasWarned) return;
    this.#hasWarned = true;
    this.#warn(
      `sessions ${other} and ${sessionId} receive the same metrics: they share a model, and what it reports is counted for both; give each session a model of its own`,
    );
  }
}
