import type { Settings } from '../config/settings.ts';
import { messageOf, UnreachableError } from '../errors.ts';

const TIMEOUT_MS = 5_000;
/** A schema may have a megabyte, and is escaped as JSON in JSON. */
const MAX_BYTES = 4 * 1_048_576;

/** What answered a request, be it the registry or something in front of it. */
export interface Answer {
  readonly status: number;
  /** `undefined`: the body is no JSON, or was cut. */
  readonly json: unknown;
  /** For a person: the request, and what kind of answer came. */
  readonly about: string;
}

/**
 * Sends a request to the registry. Redirects are not followed: they lead to login pages.
 *
 * @throws {UnreachableError} when nothing answers within seconds
 */
export async function ask(
  settings: Settings,
  method: 'GET' | 'PUT' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Answer> {
  const base = settings.SCHEMA_REGISTRY_URL.replace(/\/+$/, '');
  const headers: Record<string, string> = {
    accept: 'application/vnd.schemaregistry.v1+json, application/json',
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
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const json = parse(await textOf(response));
    const type = response.headers.get('content-type') ?? 'no content type';
    const kind = json === undefined ? `${type}, no JSON` : type;
    return {
      status: response.status,
      json,
      about: `${method} ${path}: HTTP ${response.status}, ${kind}`,
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new UnreachableError(`the schema registry at ${base}: ${messageOf(cause)}`, {
      cause: error,
    });
  }
}

/**
 * What to throw when an answer is none of a registry: a proxy's page, a login, an overload. The
 * question stays open, and is asked again.
 */
export function noAnswer(settings: Settings, answer: Answer): UnreachableError {
  const base = settings.SCHEMA_REGISTRY_URL.replace(/\/+$/, '');
  return new UnreachableError(`the schema registry at ${base}: ${whyNoAnswer(answer)}`);
}

export function whyNoAnswer({ status, about }: Answer): string {
  const isRefused = status === 401 || status === 403;
  const why = isRefused ? 'the credentials are refused' : 'which is no answer of a registry';
  return `answered ${status}, ${why} (${about})`;
}

/**
 * Whether a registry itself says that it does not have what was asked for, or cannot take it: its
 * codes are its status with two more digits. A page "not found" of something else has none.
 */
export function isRegistryError({ status, json }: Answer): boolean {
  const { error_code: code } = objectOf(json);
  return typeof code === 'number' && Math.floor(code / 100) === status;
}

export function objectOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? { ...json } : {};
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MAX_BYTES) throw new Error(`the answer has more than ${MAX_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
