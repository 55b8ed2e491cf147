import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Settings } from '../config/settings.ts';
import { createRegistry } from '../registry/schema-registry.ts';
import { pingRegistry } from '../registry/subjects.ts';
import { reach } from './reach.ts';

/** The schema registry, once it has answered. */
export async function reachRegistry(settings: Settings): Promise<SchemaRegistry> {
  const where = `the schema registry at ${settings.SCHEMA_REGISTRY_URL}`;
  await reach(settings, where, () => pingRegistry(settings));
  return createRegistry(settings);
}
