import { COMPATIBILITY, type SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Settings } from '../config/settings.ts';
import { CheckFailedError, messageOf, UnreachableError, WrongUsageError } from '../errors.ts';
import { loadEnvelopeSchema } from '../schemas/load.ts';
import { ask, isRegistryError, noAnswer, objectOf, whyNoAnswer } from './ask.ts';

/** The subject of a topic's values, by the default TopicNameStrategy. */
export function subjectOf(topic: string): string {
  return `${topic}-value`;
}

/**
 * Registers our schema under the topic's subject, and sets the subject's compatibility so that a newer
 * schema can read everything on the topic. Idempotent.
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
  try {
    const { id } = await registry.register(
      { type: SchemaType.AVRO, schema },
      { subject, compatibility },
    );
    if (Number.isSafeInteger(id)) return id;
  } catch (error) {
    // Without a status, the client failed to parse an answer that is not from a registry.
    if (error instanceof Error && 'status' in error) {
      throw error.status === 409 || error.status === 422 ? refused(subject, error) : error;
    }
    throw notRegistered(settings, subject, error);
  }
  throw notRegistered(settings, subject);
}

/**
 * Deletes the topic's subject with all of its versions, and its compatibility setting. Idempotent.
 */
export async function deleteSubject(settings: Settings, topic: string): Promise<void> {
  const subject = encodeURIComponent(subjectOf(topic));
  // A permanent deletion requires a soft deletion first.
  const paths = [
    `/subjects/${subject}`,
    `/subjects/${subject}?permanent=true`,
    `/config/${subject}`,
  ];
  for (const path of paths) {
    const { status } = await ask(settings, 'DELETE', path);
    if (status !== 200 && status !== 204 && status !== 404) {
      throw new UnreachableError(`the schema registry answered ${status} to DELETE ${path}`);
    }
  }
}

/** The registry's verdict on our schema for a subject. */
export interface CompatibilityReport {
  readonly subject: string;
  readonly compatible: boolean;
  /** The registry's reasons, or a remark. */
  readonly messages: readonly string[];
}

/** Checks whether our schema is compatible as the next version of the topic's subject. */
export async function checkCompatibility(
  settings: Settings,
  topic: string,
): Promise<CompatibilityReport> {
  const subject = subjectOf(topic);
  const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`;
  const schema = JSON.stringify(loadEnvelopeSchema());
  let answer = await ask(settings, 'POST', path, { schema });
  if (answer.status === 404 && !isRegistryError(answer)) {
    // Older registries, such as Apicurio's /apis/ccompat/v6, compare with one version only.
    const latest = path.replace('/versions?', '/versions/latest?');
    answer = await ask(settings, 'POST', latest, { schema });
  }
  const { status } = answer;
  const { message, messages, is_compatible: compatible } = objectOf(answer.json);
  if (status === 404 && isRegistryError(answer)) {
    return { subject, compatible: true, messages: ['the subject has no schema yet'] };
  }
  if ((status === 422 || status === 409) && isRegistryError(answer)) {
    return { subject, compatible: false, messages: [String(message ?? 'refused')] };
  }
  if (status !== 200 || typeof compatible !== 'boolean') throw noAnswer(settings, answer);
  return { subject, compatible, messages: Array.isArray(messages) ? messages.map(String) : [] };
}

async function setCompatibility(
  settings: Settings,
  subject: string,
  compatibility: string,
): Promise<void> {
  const path = `/config/${encodeURIComponent(subject)}`;
  const answer = await ask(settings, 'PUT', path, { compatibility });
  const isSet = answer.status === 200 && 'compatibility' in objectOf(answer.json);
  if (isSet) return;
  if (!isRegistryError(answer)) throw noAnswer(settings, answer);
  const { message } = objectOf(answer.json);
  throw new WrongUsageError(
    `the schema registry at ${settings.SCHEMA_REGISTRY_URL} refused to set the compatibility of ` +
      `${subject}: ${message ?? answer.about}`,
  );
}

function refused(subject: string, error: Error): CheckFailedError {
  return new CheckFailedError(
    `the schema registry refused our schema as the next version of ${subject}: ` +
      `${messageOf(error)}; run: usage-ledger schemas check`,
    { cause: error },
  );
}

function notRegistered(settings: Settings, subject: string, cause?: unknown): UnreachableError {
  const where = `the schema registry at ${settings.SCHEMA_REGISTRY_URL}`;
  return new UnreachableError(`${where} answered without a schema id for ${subject}`, { cause });
}

/**
 * Throws when the registry does not answer.
 *
 * @throws {WrongUsageError} when it refuses the credentials
 */
export async function pingRegistry(settings: Settings): Promise<void> {
  const answer = await ask(settings, 'GET', '/subjects');
  if (answer.status === 401 || answer.status === 403) {
    throw new WrongUsageError(
      `the schema registry at ${settings.SCHEMA_REGISTRY_URL} refused: answered ${answer.status}; ` +
        'check SCHEMA_REGISTRY_USERNAME and SCHEMA_REGISTRY_PASSWORD',
    );
  }
  if (answer.status !== 200 || !Array.isArray(answer.json)) throw new Error(whyNoAnswer(answer));
}
