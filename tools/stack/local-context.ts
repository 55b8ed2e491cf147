import type { Progress } from './service-name.ts';
import type { Watchdog } from './watchdog.ts';

/** What a local service is started with. */
export interface LocalContext {
  watchdog: Watchdog;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}
