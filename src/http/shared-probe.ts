/** An answer is good for so long, however many ask. */
const FRESH_MS = 1_000;
/** One that does not come is not waited for by those who ask later than this. */
const MOST_WAIT_MS = 2_000;

/**
 * A probe that is shared by all who ask at about the same time: `/readyz` may be asked as often as
 * anybody likes, and the dependencies are asked once a second.
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
    const settled = () => {
      if (last === asked) freshUntil = now() + FRESH_MS;
    };
    asked.then(settled, settled);
    return asked;
  };
}
