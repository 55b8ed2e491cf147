import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Settings } from '../config/settings.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import { subjectOf } from './subjects.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * A client of the registry that answers or fails within 5 s. It does not retry; its callers know for
 * how long a retry is useful.
 */
export function createRegistry(settings: Settings): SchemaRegistry {
  const username = settings.SCHEMA_REGISTRY_USERNAME;
  const password = settings.SCHEMA_REGISTRY_PASSWORD;
  return new SchemaRegistry({
    host: settings.SCHEMA_REGISTRY_URL.replace(/\/+$/, ''),
    clientId: settings.KAFKA_CLIENT_ID,
    retry: { retries: 0 },
    // The client has no timeout of its own: a hanging connection would block every caller.
    middlewares: [
      () => ({
        prepareRequest: (next) =>
          next().then((request) => request.enhance({ timeout: REQUEST_TIMEOUT_MS })),
      }),
    ],
    ...(username !== undefined && password !== undefined ? { auth: { username, password } } : {}),
  });
}

/**
 * Loads the latest schema of a topic, with which its producers most likely write, before the first
 * message arrives.
 *
 * @throws when the subject has no schema, or the registry does not answer
 */
export async function loadLatest(
  registry: SchemaRegistry,
  topic: string,
  schemas: SchemaCache,
): Promise<void> {
  const id: unknown = await registry.getLatestSchemaId(subjectOf(topic));
  // The client returns an invalid id for an answer that is not from a registry.
  if (!Number.isSafeInteger(id)) throw new Error('the answer is not from a schema registry');
  await schemas.load([id as number]);
}
