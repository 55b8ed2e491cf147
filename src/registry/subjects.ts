import { COMPATIBILITY, type SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Settings } from '../config/settings.ts';
import { messageOf, UnreachableError } from '../errors.ts';
import { loadEnvelopeSchema } from '../schemas/load.ts';

const TIMEOUT_MS = 5_000;

/** The subject of a topic's values, by the registry's default strategy. */
export function subjectOf(topic: string): string {
  return `${topic}-value`;
}

/**
 * Registers our schema under the topic's subject and sets the subject's compatibility, so that any
 * reader can read everything that is still on the topic. Registering again changes nothing.
 *
 * @returns the schema id
 */
export async function registerSchema(
  registry: SchemaRegistry,
  settings: Settings,
  topic: string,
): Promise<number> {
  const subject = subjectOf(topic);
  const compatibility = COMPATIBILITY.BACKWARD_TRANSITIVE;
  await setCompatibility(settings, subject, compatibility);
  const schema = JSON.stringify(loadEnvelopeSchema());
  const { id } = await registry.register(
    { type: SchemaType.AVRO, schema },
    { subject, compatibility },
  );
  return id;
}

/** What the registry says of our schema under a subject. */
export interface CompatibilityReport {
  readonly subject: string;
  readonly compatible: boolean;
  /** Why not, in the registry's words; or what is remarkable. */
  readonly messages: readonly string[];
}

/** Asks the registry whether our schema may become the next version of the topic's subject. */
export async function checkCompatibility(
  settings: Settings,
  topic: string,
): Promise<CompatibilityReport> {
  const subject = subjectOf(topic);
  const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`;
  const schema = JSON.stringify(loadEnvelopeSchema());
  const { status, body } = await request(settings, 'POST', path, { schema });
  if (status === 404) {
    return { subject, compatible: true, messages: ['the subject has no schema yet'] };
  }
  if (status === 422 || status === 409) {
    return { subject, compatible: false, messages: [String(body['message'] ?? 'refused')] };
  }
  if (status !== 200) {
    throw new UnreachableError(`the schema registry answered ${status} to ${path}`);
  }
  const messages = Array.isArray(body['messages']) ? body['messages'].map(String) : [];
  return { subject, compatible: body['is_compatible'] === true, messages };
}

async function setCompatibility(
  settings: Settings,
  subject: string,
  compatibility: string,
): Promise<void> {
  const path = `/config/${encodeURIComponent(subject)}`;
  const { status } = await request(settings, 'PUT', path, { compatibility });
  if (status !== 200) {
    throw new UnreachableError(`the schema registry answered ${status} to PUT ${path}`);
  }
}

/** Whether the registry answers at all. Throws when it does not. */
export async function pingRegistry(settings: Settings): Promise<void> {
  const { status } = await request(settings, 'GET', '/subjects');
  if (status !== 200) throw new Error(`answered ${status} to GET /subjects`);
}

/** The few calls that the client library does not offer. */
async function request(
  settings: Settings,
  method: 'GET' | 'PUT' | 'POST',
  path: string,
  body?: object,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const base = settings.SCHEMA_REGISTRY_URL.replace(/\/+$/, '');
  const headers: Record<string, string> = {
    accept: 'application/vnd.schemaregistry.v1+json',
    'content-type': 'application/vnd.schemaregistry.v1+json',
  };
  const { SCHEMA_REGISTRY_USERNAME: user, SCHEMA_REGISTRY_PASSWORD: password } = settings;
  if (user !== undefined && password !== undefined) {
    headers['authorization'] = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  }
  try {
    const response = await fetch(base + path, {
      method,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: parse(text) };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new UnreachableError(`the schema registry at ${base}: ${messageOf(cause)}`, {
      cause: error,
    });
  }
}

function parse(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
