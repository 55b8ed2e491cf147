/**
 * What the worker uses of `node:timers/promises`, over the global timers of the moment: those that
 * tests put in their place are not what `node:timers/promises` itself uses.
 */
export function setTimeout<T>(
  ms: number,
  value?: T,
  { signal }: { readonly signal?: AbortSignal } = {},
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const timer = globalThis.setTimeout(() => resolve(value), ms);
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}

export function setImmediate(): Promise<void> {
  return new Promise((resolve) => globalThis.setImmediate(resolve));
}
