import type { ManagedProcess } from './managed-process.ts';
import type { ServiceName } from './service-name.ts';

/** Services that were started for this stack, in whichever way. */
export interface StartedServices {
  addresses: Partial<Record<ServiceName, string>>;
  /** Of those that run here as processes. */
  processes: Partial<Record<ServiceName, ManagedProcess>>;
  stop(): Promise<void>;
}
