/** How long a result is reused. */
const FRESH_MS = 1_000;
/** How long callers share a pending probe before another one is started. */
const MOST_WAIT_MS = 2_000;

/**
 * Shares one probe among concurrent callers, so that the dependencies are probed at most once a second
 * however often `/readyz` is polled.
 */
export function sharedProbe(
  probe: () => Promise<unknown>,
  now: () => number = Date.now,
): () => Promise<unknown> {
  let last: Promise<unknown> | undefined;
  let freshUntil = 0;
  return () => {
    if (last !== undefined && now() < freshUntil) return last;
    const asked = probe();
    last = asked;
    freshUntil = now() + MOST_WAIT_MS;
    const refresh = () => {
      if (last === asked) freshUntil = now() + FRESH_MS;
    };
    asked.then(refresh, refresh);
    return asked;
  };
}
