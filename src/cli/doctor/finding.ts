import type { Logger } from '../../config/logger.ts';
import type { Settings } from '../../config/settings.ts';
import type { Database } from '../../postgres/database.ts';

/** `skip`: not looked at, since something that it needs is not there. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'skip';

export interface Finding {
  readonly verdict: Verdict;
  /** What was looked at, such as a broker or a topic. */
  readonly subject: string;
  /** What is the case, in a sentence. */
  readonly found: string;
  /** What to do next; of each `warn` and `fail`. */
  readonly todo?: string;
}

/** What the checks look at. Nothing is connected yet. */
export interface Scene {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly database: Database;
}

export interface Check {
  readonly name: string;
  /** The check without which this one cannot be made. */
  readonly after?: string;
  /** For a person, should it throw or not come to an end. */
  readonly todo: string;
  /** Throws when it fails as a whole. Changes nothing. */
  run(scene: Scene): Promise<readonly Finding[]>;
}

export function ok(subject: string, found: string): Finding {
  return { verdict: 'ok', subject, found };
}

export function warn(subject: string, found: string, todo: string): Finding {
  return { verdict: 'warn', subject, found, todo };
}

export function fail(subject: string, found: string, todo: string): Finding {
  return { verdict: 'fail', subject, found, todo };
}
