import type { Logger } from '../config/logger.ts';
import { messageOf } from '../errors.ts';
import { isTransient } from '../postgres/errors.ts';
import { retry } from './backoff.ts';
import type { BatchPermits } from './batch-permits.ts';
import type { PartitionProgress } from './partition-progress.ts';

/** What a partition loop may have to wait for. */
interface Dependency {
  readonly name: string;
  readonly isRetryable: (error: unknown) => boolean;
}
export const POSTGRES: Dependency = { name: 'Postgres', isRetryable: isTransient };
/** What the registry says of a schema is an answer, also when there is none: it never throws for good. */
export const REGISTRY: Dependency = { name: 'the schema registry', isRetryable: () => true };

export interface DependencyRetryOptions {
  readonly progress: PartitionProgress;
  readonly permits: BatchPermits;
  readonly logger: Logger;
  /** Whether another attempt is still wanted. */
  readonly isRunning: () => boolean;
}

/** Retries work of one partition until the dependency that it needs answers, and shows the wait. */
export class DependencyRetry {
  readonly #options: DependencyRetryOptions;
  readonly #abort = new AbortController();

  constructor(options: DependencyRetryOptions) {
    this.#options = options;
  }

  /** Ends waits between attempts; an attempt that is under way ends by itself. */
  abort(): void {
    this.#abort.abort();
  }

  /**
   * @param hasPermit whether the caller holds a batch permit, which is released between attempts
   * @throws what cannot be retried, and the last error when the loop is no longer running
   */
  run<T>(
    { name, isRetryable }: Dependency,
    work: () => Promise<T>,
    hasPermit: boolean,
  ): Promise<T> {
    const { progress, permits, logger, isRunning } = this.#options;
    const attemptOnce = async () => {
      const result = await work();
      progress.trouble = undefined;
      return result;
    };
    const mayRetry = (error: unknown, attempt: number) => {
      if (!isRunning() || !isRetryable(error)) return false;
      progress.trouble = `${name}: ${messageOf(error)}`;
      const { topic, partition, position: offset } = progress;
      const fields = { topic, partition, offset, attempt, error: messageOf(error) };
      logger.warn(fields, `${name} does not answer; trying again`);
      return true;
    };
    const wait = (pause: () => Promise<void>) =>
      hasPermit ? permits.releaseWhile(pause) : pause();
    return retry(attemptOnce, { mayRetry, signal: this.#abort.signal, wait });
  }
}
