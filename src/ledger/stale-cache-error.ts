import { TryAgainError } from '../errors.ts';

/**
 * What the worker remembers is not what the database holds: it was restored to an earlier moment.
 * The transaction is rolled back, the memory dropped, and the same work tried again.
 */
export class StaleCacheError extends TryAgainError {}
