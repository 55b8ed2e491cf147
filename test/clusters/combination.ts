import type { LocalContext } from '../../tools/stack/local-context.ts';
import type { StackUrls } from '../support/stack-urls.ts';

/** What a combination is tried with. */
export interface Lab {
  /** Services as the stack has them; a combination replaces the one that it is about. */
  readonly services: StackUrls;
  /** Its watchdog ends, with this combination, whatever the combination started. */
  readonly context: LocalContext;
  /** How long a worker may take to catch up. */
  readonly deadlineMs: number;
}

/** Something that is not ours, of one version, that the recorded calls are billed with. */
export interface Combination {
  readonly kind: 'broker' | 'registry' | 'producer' | 'postgres';
  readonly what: string;
  readonly version: string;
  /**
   * Starts it, bills the calls with it and says in a few words what was seen.
   *
   * @throws NotTriedError when this machine cannot, any other error when the result is wrong
   */
  run(lab: Lab): Promise<string>;
}

/** This machine lacks what the combination needs: no result, and no failure. */
export class NotTriedError extends Error {}
