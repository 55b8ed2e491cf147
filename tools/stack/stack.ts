import { WrongUsageError } from '../../src/errors.ts';
import { dockerProblem, firstLine, startInDocker } from './docker-stack.ts';
import { ImageUnavailableError, StackUnavailableError } from './errors.ts';
import { localProblems, startLocally } from './local-stack.ts';
import type { ManagedProcess } from './managed-process.ts';
import {
  ADDRESS_VARIABLE,
  type Progress,
  SERVICE_LABEL,
  SERVICE_NAMES,
  type ServiceName,
  STACK_VARIABLE,
} from './service-name.ts';
import type { StartedServices } from './started-services.ts';
import {
  APICURIO_VERSION,
  IMAGES,
  KAFKA_VERSION,
  MINIMUM_JAVA,
  POSTGRES_MAJOR,
} from './versions.ts';

export type { ManagedProcess } from './managed-process.ts';
export type { ServiceName } from './service-name.ts';

/** A Kafka broker, a schema registry and a Postgres that answer. */
export interface Stack {
  kafkaBrokers: string;
  schemaRegistryUrl: string;
  databaseUrl: string;
  /** In one line, how each service was chosen. */
  how: string;
  /** The services that this stack started as local processes; others are not in it. */
  processes: Partial<Record<ServiceName, ManagedProcess>>;
  /** Ends what this stack started; when it settles, nothing of it is left. */
  stop(): Promise<void>;
}

export interface StackOptions {
  progress: Progress;
  /**
   * USAGE_LEDGER_STACK: `local` or `docker`, to choose how services are started; `environment`, to
   * use those that KAFKA_BROKERS, SCHEMA_REGISTRY_URL and DATABASE_URL name. Without it these three
   * are not looked at: in most shells in which they are exported, they name production.
   */
  env?: NodeJS.ProcessEnv;
  /** Services to be used as they are, whatever the environment says. */
  use?: Partial<Record<ServiceName, string>>;
}

type Mode = 'local' | 'docker' | undefined;

/**
 * Starts the services that are not there already: in Docker if an engine answers and has or gets
 * the images, else as processes of this machine. Side by side; settles when all answer.
 *
 * @throws StackUnavailableError when neither can be had, with what to install.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { progress, env = process.env, use } = options;
  const external = use ?? externalAddresses(env);
  const missing = SERVICE_NAMES.filter((name) => external[name] === undefined);
  const { started, how } = await start(missing, { mode: stackMode(env), env, progress });
  const address = (name: ServiceName): string => {
    const found = external[name] ?? started.addresses[name];
    if (found === undefined) throw new Error(`${SERVICE_LABEL[name]} was not started`);
    return found;
  };
  return {
    kafkaBrokers: address('kafka'),
    schemaRegistryUrl: address('registry'),
    databaseUrl: address('postgres'),
    how: [...externalNote(external), ...how].join('; '),
    processes: started.processes,
    stop: started.stop,
  };
}

function externalAddresses(env: NodeJS.ProcessEnv): Partial<Record<ServiceName, string>> {
  const found: Partial<Record<ServiceName, string>> = {};
  if (env[STACK_VARIABLE] !== 'environment') return found;
  for (const name of SERVICE_NAMES) {
    const address = env[ADDRESS_VARIABLE[name]];
    if (address) found[name] = address;
  }
  return found;
}

function externalNote(external: Partial<Record<ServiceName, string>>): string[] {
  const named = SERVICE_NAMES.filter((name) => external[name] !== undefined);
  return named.map((name) => `${SERVICE_LABEL[name]} as ${ADDRESS_VARIABLE[name]} says`);
}

function stackMode(env: NodeJS.ProcessEnv): Mode {
  const mode = env[STACK_VARIABLE];
  if (!mode || mode === 'environment') return undefined;
  if (mode === 'local' || mode === 'docker') return mode;
  throw new WrongUsageError(
    `${STACK_VARIABLE} is "${mode}"; it can be "local", "docker", "environment" or unset`,
  );
}

async function start(
  services: readonly ServiceName[],
  options: { mode: Mode; env: NodeJS.ProcessEnv; progress: Progress },
): Promise<{ started: StartedServices; how: string[] }> {
  const { mode, env, progress } = options;
  if (services.length === 0) {
    return { started: { addresses: {}, processes: {}, stop: async () => {} }, how: [] };
  }

  const docker = mode === 'local' ? 'USAGE_LEDGER_STACK=local' : await tryDocker(services, options);
  if (typeof docker !== 'string') {
    const images = services.map((name) => IMAGES[name]).join(', ');
    return { started: docker, how: [`in Docker: ${images}`] };
  }

  const problems = await localProblems(services, env);
  if (problems.length > 0) throw new StackUnavailableError(whatToInstall(docker, problems));
  const versions = services.map((name) => LOCAL_VERSION[name]).join(', ');
  const started = await startLocally(services, { env, progress });
  return { started, how: [`as local processes (${docker}): ${versions}`] };
}

/** The services in Docker, or why they are not there. */
async function tryDocker(
  services: readonly ServiceName[],
  { mode, env, progress }: { mode: Mode; env: NodeJS.ProcessEnv; progress: Progress },
): Promise<StartedServices | string> {
  const problem = await dockerProblem(env);
  if (problem !== undefined) {
    if (mode !== 'docker') return problem;
    throw new StackUnavailableError(`USAGE_LEDGER_STACK=docker, but ${problem}`);
  }
  try {
    return await startInDocker(services, progress);
  } catch (error) {
    // Whoever asked for Docker wants to see why containers fail, but cannot put an image into a registry.
    if (mode === 'docker' && !(error instanceof ImageUnavailableError)) throw error;
    const note = `Docker answers but could not start the images: ${firstLine(error)}`;
    progress(`${note}; using local processes instead`);
    return note;
  }
}

const LOCAL_VERSION: Record<ServiceName, string> = {
  kafka: `Apache Kafka ${KAFKA_VERSION}`,
  registry: `Apicurio Registry ${APICURIO_VERSION}`,
  postgres: `Postgres ${POSTGRES_MAJOR}`,
};

function whatToInstall(docker: string, problems: readonly string[]): string {
  return [
    'Kafka, a schema registry and Postgres can not be started on this machine:',
    ...[docker, ...problems].map((problem) => `  - ${problem}`),
    'Do one of these:',
    `  - install Node 20.19 or newer (this is ${process.versions.node}), Java ${MINIMUM_JAVA} or newer and Maven, and run npm ci`,
    '  - start a Docker engine',
    `  - set ${Object.values(ADDRESS_VARIABLE).join(', ')} to services that run already,`,
    `    and ${STACK_VARIABLE}=environment to have them used`,
  ].join('\n');
}
