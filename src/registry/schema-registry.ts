import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Settings } from '../config/settings.ts';
import type { FetchSchema, SchemaCache } from '../decode/schema-cache.ts';
import { messageOf } from '../errors.ts';
import { subjectOf } from './subjects.ts';

const REQUEST_TIMEOUT_MS = 5_000;

/**
 * Answers by which a registry says that it does not have the schema that was asked for. 400 is not
 * one of them: the HTTP client below reports a connection that failed with it.
 */
const NO_SUCH_SCHEMA = new Set([404, 422]);

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

/** Asks `registry` for writer schemas, telling "no such schema" from "no answer". */
export function schemaFetcher(registry: SchemaRegistry): FetchSchema {
  return async (id) => {
    try {
      const schema = await registry.getSchema(id);
      if (!('schema' in schema) || typeof schema.schema !== 'function') {
        return { found: false, reason: 'undecodable', detail: `schema ${id} is not Avro` };
      }
      return { found: true, schema: schema.schema({ exportAttrs: true }) };
    } catch (error) {
      const status = statusOf(error);
      if (status === undefined) {
        // The registry answered with something that is not an Avro schema.
        const detail = `schema ${id} cannot be parsed: ${messageOf(error)}`;
        return { found: false, reason: 'undecodable', detail };
      }
      if (!NO_SUCH_SCHEMA.has(status)) throw error;
      const detail = `the registry has no schema ${id} (HTTP ${status})`;
      return { found: false, reason: 'unknown_schema', detail };
    }
  };
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
  await schemas.load([await registry.getLatestSchemaId(subjectOf(topic))]);
}

function statusOf(error: unknown): number | undefined {
  const isResponse = error instanceof Error && 'status' in error;
  return isResponse && typeof error.status === 'number' ? error.status : undefined;
}
