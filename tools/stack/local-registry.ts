import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bareEnvironment } from './child-environment.ts';
import { onFreePorts } from './free-ports.ts';
import { javaCommand } from './java.ts';
import type { LocalContext } from './local-context.ts';
import { type ManagedProcess, startManaged } from './managed-process.ts';
import { fetchArtifact, registryArtifact } from './maven.ts';
import { registryProbe } from './readiness.ts';
import { APICURIO_VERSION, CONFLUENT_API_PATH } from './versions.ts';

/** Another registry than the stack's. */
export interface RegistryAdditions {
  readonly version?: string;
  /** What is started; it moved with version 3. */
  readonly jar?: string;
  /** Where it speaks the Confluent protocol. */
  readonly apiPath?: string;
  /** Further settings, or others than those below. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Apicurio Registry, spoken to over its Confluent-compatible API. */
export async function startLocalRegistry(
  context: LocalContext,
  additions: RegistryAdditions = {},
): Promise<{ url: string; process: ManagedProcess }> {
  const { watchdog, env } = context;
  const { version = APICURIO_VERSION, apiPath = CONFLUENT_API_PATH, settings } = additions;
  const jar = additions.jar ?? `apicurio-registry-app-${version}-runner.jar`;
  const home = join(watchdog.scratch, 'registry');
  const temporary = join(home, 'tmp');
  await mkdir(temporary, { recursive: true });
  const application = await fetchArtifact(registryArtifact(version), context);
  return await onFreePorts(1, async ([port = 0]) => {
    const url = `http://127.0.0.1:${port}${apiPath}`;
    const process = await startManaged(watchdog, {
      label: 'The schema registry',
      stopSignal: 'SIGTERM',
      probe: registryProbe(url),
      spec: {
        file: javaCommand(env),
        args: [
          '-Xmx256m',
          '-XX:TieredStopAtLevel=1',
          '-XX:+UseSerialGC',
          '-XX:-UsePerfData',
          `-Djava.io.tmpdir=${temporary}`,
          '-jar',
          join(application, jar),
        ],
        cwd: home,
        env: {
          ...bareEnvironment(env),
          QUARKUS_HTTP_HOST: '127.0.0.1',
          QUARKUS_HTTP_PORT: String(port),
          // As shipped it keeps schemas in memory, and would come back from a restart without them;
          // and H2, left to itself, writes half a second after it has said that it has.
          REGISTRY_DATASOURCE_URL: `jdbc:h2:file:${join(home, 'data')};WRITE_DELAY=0`,
          LOG_LEVEL: 'WARN',
          REGISTRY_LOG_LEVEL: 'WARN',
          ...settings,
        },
        log: join(home, `registry-${port}.log`),
      },
    });
    return { url, process };
  });
}
