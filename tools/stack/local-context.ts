import type { Guardian } from './guardian-client.ts';
import type { Progress } from './service-name.ts';

/** What a local service is started with. */
export interface LocalContext {
  guardian: Guardian;
  env: NodeJS.ProcessEnv;
  progress: Progress;
}
