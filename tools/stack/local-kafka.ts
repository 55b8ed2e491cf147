import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bareEnvironment } from './child-environment.ts';
import { onFreePorts } from './free-ports.ts';
import { javaCommand } from './java.ts';
import type { LocalContext } from './local-context.ts';
import { type ManagedProcess, runToEnd, startManaged } from './managed-process.ts';
import { fetchArtifact, kafkaArtifact } from './maven.ts';
import { kafkaProbe } from './readiness.ts';
import { KAFKA_VERSION } from './versions.ts';

// Performance data would be left in the temporary folder by a JVM that is killed.
const JVM_FLAGS = ['-XX:-UsePerfData', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

/** What a broker has in addition to the defaults. */
export interface KafkaAdditions {
  /** Another version than the stack's. */
  readonly version?: string;
  /** Further listeners: by their names, the security protocols. */
  readonly listeners?: Readonly<Record<string, 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'>>;
  readonly properties?: Readonly<Record<string, string | number>>;
  /** Further flags of the Java machine, such as system properties. */
  readonly flags?: readonly string[];
  /** Further arguments of `kafka-storage format`, such as `--add-scram`. */
  readonly format?: readonly string[];
}

interface LocalKafka {
  readonly brokers: string;
  /** Ports of the further listeners on 127.0.0.1, by their names. */
  readonly ports: Readonly<Record<string, number>>;
  readonly process: ManagedProcess;
}

/** One KRaft node, broker and controller in one, with data that lasts as long as the stack. */
export async function startLocalKafka(
  context: LocalContext,
  additions: KafkaAdditions = {},
): Promise<LocalKafka> {
  const { watchdog, env } = context;
  const libraries = await fetchArtifact(kafkaArtifact(additions.version ?? KAFKA_VERSION), context);
  const home = join(watchdog.scratch, 'kafka');
  const properties = join(home, 'server.properties');
  const temporary = join(home, 'tmp');
  await mkdir(temporary, { recursive: true });
  const java = (flags: readonly string[], mainClass: string, args: readonly string[]) => ({
    file: javaCommand(env),
    args: [...JVM_FLAGS, ...flags, '-cp', join(libraries, '*'), mainClass, ...args],
    env: bareEnvironment(env),
    cwd: home,
  });

  const flags = ['-Xmx512m', `-Djava.io.tmpdir=${temporary}`, ...(additions.flags ?? [])];
  const names = Object.keys(additions.listeners ?? {});
  let formatted = false;
  return await onFreePorts(
    2 + names.length,
    async ([brokerPort = 0, controllerPort = 0, ...more]) => {
      const ports = Object.fromEntries(names.map((name, i) => [name, more[i] ?? 0]));
      const settings = serverProperties({ home, brokerPort, controllerPort, ports, additions });
      await writeFile(properties, settings);
      if (!formatted) {
        // Led by a zero byte: an id that began with "-" would be taken for an option.
        const clusterId = Buffer.concat([Buffer.alloc(1), randomBytes(15)]).toString('base64url');
        await runToEnd(watchdog, 'Preparing the data folder of Kafka', {
          ...java(['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'], 'kafka.tools.StorageTool', [
            'format',
            '--cluster-id',
            clusterId,
            '--config',
            properties,
            ...(additions.format ?? []),
          ]),
          log: join(home, 'format.log'),
        });
        formatted = true;
      }
      const brokers = `127.0.0.1:${brokerPort}`;
      const process = await startManaged(watchdog, {
        label: 'Kafka',
        stopSignal: 'SIGTERM',
        probe: kafkaProbe(brokers),
        spec: {
          ...java(flags, 'kafka.Kafka', [properties]),
          log: join(home, `server-${brokerPort}.log`),
        },
      });
      return { brokers, ports, process };
    },
  );
}

function serverProperties(options: {
  home: string;
  brokerPort: number;
  controllerPort: number;
  ports: Readonly<Record<string, number>>;
  additions: KafkaAdditions;
}): string {
  const { home, brokerPort, controllerPort, ports, additions } = options;
  const listeners = Object.entries({ PLAINTEXT: brokerPort, ...ports });
  const protocols = { PLAINTEXT: 'PLAINTEXT', CONTROLLER: 'PLAINTEXT', ...additions.listeners };
  const addresses = listeners.map(([name, port]) => `${name}://127.0.0.1:${port}`);
  const settings: Record<string, string | number> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    listeners: [...addresses, `CONTROLLER://127.0.0.1:${controllerPort}`].join(),
    'advertised.listeners': addresses.join(),
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': Object.entries(protocols)
      .map((pair) => pair.join(':'))
      .join(),
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'log.dirs': join(home, 'data'),
    // A broker that was killed is let back in only once its former self has been given up.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 3_000,
    ...BROKER_SETTINGS,
    ...additions.properties,
  };
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** The same for the local process and in Docker. */
export const BROKER_SETTINGS: Readonly<Record<string, string | number>> = {
  'auto.create.topics.enable': 'true',
  'num.partitions': 4,
  'offsets.topic.replication.factor': 1,
  // Of the default of 50 each would be created, opened and loaded when the first group joins.
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'group.initial.rebalance.delay.ms': 0,
};
