import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { StartedTestContainer } from 'testcontainers';
import { ImageUnavailableError } from './errors.ts';
import { freePorts } from './free-ports.ts';
import { BROKER_SETTINGS } from './local-kafka.ts';
import { kafkaProbe, type Probe, postgresProbe, registryProbe, untilAnswers } from './readiness.ts';
import { type Progress, SERVICE_LABEL, type ServiceName } from './service-name.ts';
import type { StartedServices } from './started-services.ts';
import { CONFLUENT_API_PATH, IMAGES } from './versions.ts';

const REPORT_EVERY_MS = 5_000;
const READY_DEADLINE_MS = 90_000;

/** A service as a container: what to run, and how it is reached from here. */
interface Containerised {
  image: string;
  containerPort: number;
  environment: Record<string, string>;
  command?: string[];
  address: string;
  probe: Probe;
}

/** Why Docker can't be used; undefined when an engine answers. */
export async function dockerProblem(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  // Asking costs half a second of loading; most machines without an engine show it at a glance.
  if (!hasDockerTrace(env)) return 'no Docker engine was found';
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    await getContainerRuntimeClient();
    return undefined;
  } catch (error) {
    return `no Docker engine answers (${firstLine(error)})`;
  }
}

function hasDockerTrace(env: NodeJS.ProcessEnv): boolean {
  if (process.platform === 'win32' || env['DOCKER_HOST']) return true;
  const home = homedir();
  const runtime = env['XDG_RUNTIME_DIR'];
  return [
    '/var/run/docker.sock',
    join(home, '.testcontainers.properties'),
    // Contexts other than the default one: Docker Desktop, Colima, rootless Docker.
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
    join(home, '.docker', 'contexts'),
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
  ].some((path) => existsSync(path));
}

/**
 * Starts the services side by side as containers. They are removed by `stop`, and by
 * testcontainers' own watcher if this program ends without it.
 *
 * @throws ImageUnavailableError before anything is started, when the engine neither has nor gets an image
 */
export async function startInDocker(
  services: readonly ServiceName[],
  progress: Progress,
): Promise<StartedServices> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
  // Not on every address, which is what an engine does by itself: on those by which we reach it.
  const hostIp = host === 'localhost' ? '127.0.0.1' : (await lookup(host)).address;
  const ports = await freePorts(services.length);
  const began = Date.now();
  const reporting = setInterval(() => {
    const seconds = ((Date.now() - began) / 1_000).toFixed(0);
    progress(`Docker: pulling and starting images, ${seconds} s`);
  }, REPORT_EVERY_MS);

  const containers: StartedTestContainer[] = [];
  const started: StartedServices = {
    addresses: {},
    processes: {},
    stop: async () => {
      await Promise.all(containers.map((container) => container.stop()));
    },
  };
  try {
    await Promise.all(services.map(async (name) => await pull(IMAGES[name])));
    const outcomes = await Promise.allSettled(
      services.map(async (name, index) => {
        const service = describe(name, host, ports[index] ?? 0);
        containers.push(await startContainer(service, hostIp, ports[index] ?? 0));
        await untilAnswers(service.probe, deadline(SERVICE_LABEL[name]));
        started.addresses[name] = service.address;
        progress(`${SERVICE_LABEL[name]}: answers at ${service.address} in Docker`);
      }),
    );
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) {
      await started.stop();
      throw failed.reason;
    }
    return started;
  } finally {
    clearInterval(reporting);
  }
}

function describe(name: ServiceName, host: string, port: number): Containerised {
  switch (name) {
    case 'kafka':
      return {
        image: IMAGES.kafka,
        containerPort: 9092,
        environment: kafkaEnvironment(`${host}:${port}`),
        address: `${host}:${port}`,
        probe: kafkaProbe(`${host}:${port}`),
      };
    case 'registry': {
      const url = `http://${host}:${port}${CONFLUENT_API_PATH}`;
      return {
        image: IMAGES.registry,
        containerPort: 8080,
        environment: { LOG_LEVEL: 'WARN', REGISTRY_LOG_LEVEL: 'WARN' },
        address: url,
        probe: registryProbe(url),
      };
    }
    case 'postgres': {
      const password = randomBytes(16).toString('hex');
      const url = `postgres://postgres:${password}@${host}:${port}/postgres`;
      return {
        image: IMAGES.postgres,
        containerPort: 5432,
        environment: { POSTGRES_PASSWORD: password },
        command: ['postgres', '-c', 'max_connections=200'],
        address: url,
        probe: postgresProbe(url),
      };
    }
  }
}

/** The image takes each setting as a variable; set one, and none of its own defaults holds. */
function kafkaEnvironment(advertised: string): Record<string, string> {
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    'advertised.listeners': `PLAINTEXT://${advertised}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.quorum.voters': '1@localhost:9093',
    ...BROKER_SETTINGS,
  };
  const variables = Object.entries(settings).map(([key, value]) => [
    `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`,
    String(value),
  ]);
  return { ...Object.fromEntries(variables), KAFKA_HEAP_OPTS: '-Xmx512m' };
}

/** Does nothing if the engine has the image. */
async function pull(image: string): Promise<void> {
  const { getContainerRuntimeClient, ImageName } = await import('testcontainers');
  try {
    await (await getContainerRuntimeClient()).image.pull(ImageName.fromString(image));
  } catch (error) {
    throw new ImageUnavailableError(`${image}: ${firstLine(error)}`, { cause: error });
  }
}

async function startContainer(
  service: Containerised,
  hostIp: string,
  port: number,
): Promise<StartedTestContainer> {
  const { GenericContainer } = await import('testcontainers');
  // The same port outside as was promised to clients: Kafka advertises where to connect.
  const bindings = { [`${service.containerPort}/tcp`]: [{ HostIp: hostIp, HostPort: `${port}` }] };
  class ContainerOnOneAddress extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      this.hostConfig.PortBindings = bindings;
    }
  }
  const container = new ContainerOnOneAddress(service.image)
    .withExposedPorts({ container: service.containerPort, host: port })
    .withEnvironment(service.environment);
  if (service.command !== undefined) container.withCommand(service.command);
  try {
    return await container.start();
  } catch (error) {
    throw new Error(`${service.image}: ${firstLine(error)}`, { cause: error });
  }
}

function deadline(label: string): Promise<Error> {
  return new Promise((resolve) => {
    const error = new Error(`${label} did not answer in ${READY_DEADLINE_MS} ms`);
    setTimeout(resolve, READY_DEADLINE_MS, error).unref();
  });
}

/** For notes that must stay one line. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0]?.trim() ?? '';
}
