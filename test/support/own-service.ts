import { type ManagedProcess, type ServiceName, startStack } from '../../tools/stack/stack.ts';
import { stackUrls } from './stack.ts';
import type { StackUrls } from './stack-urls.ts';

/** One service of the caller's own, to be broken; the others are those that all tests share. */
export interface OwnService {
  readonly urls: StackUrls;
  readonly process: ManagedProcess;
  stop(): Promise<void>;
}

export async function ownService(name: ServiceName): Promise<OwnService> {
  const shared = stackUrls();
  const others: Record<ServiceName, string> = {
    kafka: shared.kafkaBrokers,
    registry: shared.schemaRegistryUrl,
    postgres: shared.databaseUrl,
  };
  const stack = await startStack({
    progress: () => {},
    env: { ...process.env, USAGE_LEDGER_STACK: 'local' },
    use: { ...others, [name]: undefined },
  });
  const own = stack.processes[name];
  if (own === undefined) throw new Error(`${name} is not a local process`);
  const { kafkaBrokers, schemaRegistryUrl, databaseUrl } = stack;
  const urls = { kafkaBrokers, schemaRegistryUrl, databaseUrl };
  return { urls, process: own, stop: () => stack.stop() };
}
