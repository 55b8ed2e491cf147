import { TryAgainError } from '../errors.ts';

/**
 * What the worker has cached is not what the database holds: another worker wrote to it, or it was
 * restored to an earlier moment. The transaction is rolled back, and is tried again without the cache.
 */
export class StaleCacheError extends TryAgainError {}

/** Runs `work`, and once more with empty caches when they turn out to be stale. */
export async function retryWithoutCache<T>(clear: () => void, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StaleCacheError)) throw error;
    clear();
    return work();
  }
}
