import type { Settings } from '../config/settings.ts';
import type { FetchSchema, SchemaAnswer } from '../decode/avro/schema-cache.ts';
import { ask, isRegistryError, noAnswer, objectOf } from './ask.ts';

const MAX_TEXT = 1_048_576;
const MAX_REFERENCES = 100;
/** JSON nested deeper cannot be cloned between threads. */
const MAX_NESTING = 500;

/** Statuses with which registries report a missing schema. */
const NO_SUCH_SCHEMA = new Set([404, 422]);

/** The registry has the schema, and it cannot be used. */
class NotUsable extends Error {}
class NotThere extends Error {}

/**
 * Fetches writer schemas and the schemas they refer to. Accepts only JSON with a schema, or the
 * registry's own error code for a missing one. Any other answer comes from something in front of the
 * registry and is thrown like an outage.
 */
export function schemaFetcher(settings: Settings): FetchSchema {
  return async (id): Promise<SchemaAnswer> => {
    try {
      const found = await fetchSchema(settings, `/schemas/ids/${id}`);
      const references = await referencesOf(settings, found);
      const { schema } = found;
      return { found: true, schema: references.length === 0 ? schema : { schema, references } };
    } catch (error) {
      if (error instanceof NotThere) {
        return { found: false, reason: 'unknown_schema', detail: error.message };
      }
      if (!(error instanceof NotUsable)) throw error;
      return { found: false, reason: 'undecodable', detail: `schema ${id}: ${error.message}` };
    }
  };
}

interface Found {
  readonly schema: unknown;
  /** Paths of the versions that the schema refers to. */
  readonly references: readonly string[];
}

async function fetchSchema(settings: Settings, path: string): Promise<Found> {
  const answer = await ask(settings, 'GET', path);
  const { status } = answer;
  if (NO_SUCH_SCHEMA.has(status) && isRegistryError(answer)) {
    throw new NotThere(`the registry has no ${path} (HTTP ${status})`);
  }
  const { schema, schemaType = 'AVRO', references = [] } = objectOf(answer.json);
  if (status !== 200 || typeof schema !== 'string') throw noAnswer(settings, answer);
  if (String(schemaType).toUpperCase() !== 'AVRO') {
    throw new NotUsable(`it is ${JSON.stringify(schemaType)}, not Avro`);
  }
  return {
    schema: parseText(schema),
    references: (Array.isArray(references) ? references : []).map(pathOf),
  };
}

/** In the order of definition, each once. */
async function referencesOf(settings: Settings, { references }: Found): Promise<unknown[]> {
  const schemas: unknown[] = [];
  const seen = new Set<string>();
  const visit = async (paths: readonly string[]): Promise<void> => {
    for (const path of paths) {
      if (seen.has(path)) continue;
      seen.add(path);
      if (seen.size > MAX_REFERENCES) {
        throw new NotUsable(`it refers to more than ${MAX_REFERENCES} others`);
      }
      const found = await fetchSchema(settings, path);
      await visit(found.references);
      schemas.push(found.schema);
    }
  };
  await visit(references);
  return schemas;
}

function pathOf(reference: unknown): string {
  const { subject, version } = objectOf(reference);
  return `/subjects/${encodeURIComponent(String(subject))}/versions/${encodeURIComponent(String(version))}`;
}

function parseText(text: string): unknown {
  if (text.length > MAX_TEXT) throw new NotUsable(`it has more than ${MAX_TEXT} characters`);
  if (nestingOf(text) > MAX_NESTING) throw new NotUsable(`it is nested deeper than ${MAX_NESTING}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new NotUsable('it is not JSON');
  }
}

/** An upper bound: brackets in strings count too, of which no schema has many. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth += bracket === '[' || bracket === '{' ? 1 : -1;
    deepest = Math.max(deepest, depth);
  }
  return deepest;
}
