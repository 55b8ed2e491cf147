import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached, isCached } from './cache.ts';
import { definedOnly } from './child-environment.ts';
import { holdingTheLoop, logTail } from './managed-process.ts';
import type { Progress } from './service-name.ts';
import { APICURIO_VERSION, KAFKA_VERSION } from './versions.ts';
import type { Watchdog } from './watchdog.ts';

const REPORT_EVERY_MS = 2_000;

/** What Maven fetches for the stack. */
export interface Artifact {
  /** In the progress lines and errors. */
  label: string;
  /** `goal@execution` of pom.xml. */
  goal: string;
  cacheName: string;
  size: string;
  /** The version, as a property of pom.xml. */
  property: string;
}

/** Apache Kafka: a folder of jars. */
export function kafkaArtifact(version: string): Artifact {
  return artifact({
    label: `Apache Kafka ${version}`,
    goal: 'dependency:copy-dependencies@kafka',
    name: `kafka-${version}`,
    size: '54 MB',
    property: `kafka.version=${version}`,
  });
}

/** Apicurio Registry: a jar to start and its libraries. */
export function registryArtifact(version: string): Artifact {
  return artifact({
    label: `Apicurio Registry ${version}`,
    goal: 'dependency:unpack@registry',
    name: `apicurio-registry-${version}`,
    size: '142 MB',
    property: `apicurio.version=${version}`,
  });
}

/** What the stack itself is made of. */
export const KAFKA_ARTIFACT: Artifact = kafkaArtifact(KAFKA_VERSION);
export const REGISTRY_ARTIFACT: Artifact = registryArtifact(APICURIO_VERSION);

function artifact({ name, ...rest }: Omit<Artifact, 'cacheName'> & { name: string }): Artifact {
  // A change of the pom that keeps the version, such as another logger, is another entry.
  const digest = createHash('sha256').update(readFileSync(pomPath())).digest('hex').slice(0, 8);
  return { ...rest, cacheName: `${name}-${digest}` };
}

function pomPath(): string {
  return fileURLToPath(new URL('./maven/pom.xml', import.meta.url));
}

/** True when the artifact need not be fetched. */
export async function isFetched(env: NodeJS.ProcessEnv, { cacheName }: Artifact): Promise<boolean> {
  return await isCached(env, cacheName);
}

/** The folder that holds the artifact, fetched by Maven if it is not in the cache yet. */
export async function fetchArtifact(
  { label, goal, cacheName, size, property }: Artifact,
  context: { env: NodeJS.ProcessEnv; watchdog: Watchdog; progress: Progress },
): Promise<string> {
  const { env, watchdog, progress } = context;
  return await cached({
    env,
    watchdog,
    name: cacheName,
    onWait: () => progress(`${label}: waiting for another download to finish`),
    fill: async (directory) => {
      const log = join(watchdog.scratch, `${cacheName}.download.log`);
      progress(`${label}: downloading with Maven (${size})`);
      const began = Date.now();
      const maven = await watchdog.spawn({
        file: 'mvn',
        // By default Maven only warns of a download that is not what its checksum says.
        args: [
          '--batch-mode',
          '--strict-checksums',
          '-f',
          pomPath(),
          goal,
          `-Dstack.output=${directory}`,
          `-D${property}`,
        ],
        env: definedOnly(env),
        log,
      });
      const reporting = setInterval(() => {
        void downloadedSoFar(log).then((soFar) =>
          progress(`${label}: downloading, ${elapsed(began)} s${soFar}`),
        );
      }, REPORT_EVERY_MS);
      const { code } = await holdingTheLoop(maven.exited).finally(() => clearInterval(reporting));
      if (code !== 0) {
        throw new Error(`${label} could not be downloaded. Maven said:\n${await logTail(log)}`);
      }
      progress(`${label}: downloaded in ${elapsed(began)} s`);
    },
  });
}

function elapsed(since: number): string {
  return ((Date.now() - since) / 1_000).toFixed(0);
}

/** From Maven's log: `, 12 files, 34.5 MB`; nothing when there is nothing to count yet. */
async function downloadedSoFar(log: string): Promise<string> {
  const text = await readFile(log, 'utf8').catch(() => '');
  const units: Record<string, number> = { B: 1e-6, kB: 1e-3, MB: 1, GB: 1e3 };
  let files = 0;
  let megabytes = 0;
  for (const [, amount, unit] of text.matchAll(/Downloaded from .*\(([\d.]+) (B|kB|MB|GB) at/g)) {
    files += 1;
    megabytes += Number(amount) * (units[unit ?? ''] ?? 0);
  }
  return files === 0 ? '' : `, ${files} files, ${megabytes.toFixed(1)} MB`;
}
