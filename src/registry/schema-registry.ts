import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Settings } from '../config/settings.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import { subjectOf } from './subjects.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * A client of the registry that answers or fails within seconds. It does not try again by itself:
 * whoever asks knows for how long that is worth it.
 */
export function createRegistry(settings: Settings): SchemaRegistry {
  const username = settings.SCHEMA_REGISTRY_USERNAME;
  const password = settings.SCHEMA_REGISTRY_PASSWORD;
  return new SchemaRegistry({
    host: settings.SCHEMA_REGISTRY_URL.replace(/\/+$/, ''),
    clientId: settings.KAFKA_CLIENT_ID,
    retry: { retries: 0 },
    // A connection that hangs would otherwise be waited for by everybody, forever.
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
 * Loads what producers of a topic most likely write with, so that it is known before the first
 * message comes.
 *
 * @throws when the registry has nothing under the topic's name, or gives no answer
 */
export async function loadLatest(
  registry: SchemaRegistry,
  topic: string,
  schemas: SchemaCache,
): Promise<void> {
  const id: unknown = await registry.getLatestSchemaId(subjectOf(topic));
  // Of an answer that is none, the client makes an id that is none.
  if (!Number.isSafeInteger(id)) throw new Error('the registry was not what answered');
  await schemas.load([id as number]);
}
