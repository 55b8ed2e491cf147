import type { Settings } from '../config/settings.ts';
import { messageOf, UnreachableError } from '../errors.ts';

const TIMEOUT_MS = 5_000;
/** A schema may have 1 MB, and is escaped as JSON within JSON. */
const MAX_BYTES = 4 * 1_048_576;

/** An HTTP answer, of the registry or of a proxy in front of it. */
export interface Answer {
  readonly status: number;
  /** `undefined`: the body is not JSON, or was cut off. */
  readonly json: unknown;
  /** For error messages: the request, the status and the content type. */
  readonly about: string;
}

/**
 * Sends a request to the registry. Redirects are not followed, since they lead to login pages.
 *
 * @throws {UnreachableError} when there is no answer within 5 s
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
 * The error for an answer that is not from a registry, such as a proxy's error page, a login or an
 * overload. It is retryable.
 */
export function noAnswer(settings: Settings, answer: Answer): UnreachableError {
  const base = settings.SCHEMA_REGISTRY_URL.replace(/\/+$/, '');
  return new UnreachableError(`the schema registry at ${base}: ${whyNoAnswer(answer)}`);
}

export function whyNoAnswer({ status, about }: Answer): string {
  const isRefused = status === 401 || status === 403;
  const why = isRefused ? 'the credentials were refused' : 'which is not a registry answer';
  return `answered ${status}, ${why} (${about})`;
}

/**
 * Whether an error is from the registry itself: its body has an `error_code`, the status followed by
 * two digits. The 404 page of a proxy has none.
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
