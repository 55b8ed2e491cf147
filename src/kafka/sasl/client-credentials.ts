import { printable } from '../../config/printable.ts';
import { messageOf } from '../../errors.ts';
import {
  type BearerToken,
  isBearerToken,
  NoTokenError,
  TokenRefusedError,
} from './bearer-token.ts';
import { lifetimeOf } from './token-lifetime.ts';

/** What a client of a token server proves itself with. */
export interface ClientCredentials {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope: string | undefined;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;
const SHOWN_CHARACTERS = 300;
/** RFC 6749, section 5.2, for a wrong id or secret. */
const INVALID_CLIENT = 'invalid_client';
/** Errors of RFC 6749, section 4.1.2.1, that some servers give here too, with any status. */
const TRANSIENT = new Set(['temporarily_unavailable', 'server_error', 'slow_down']);
/** Request timeout, too early, too many requests. */
const TRANSIENT_STATUS = new Set([408, 425, 429]);

interface TokenAnswer {
  readonly status: number;
  /** Empty when the body is not a JSON object. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Asks for a token by the client credentials grant (RFC 6749, section 4.4). The secret is sent in the
 * header that every server must accept, and in the body where a server refuses that, as some do.
 *
 * @throws {TokenRefusedError} when the server refuses the client, or does not issue tokens
 * @throws {NoTokenError} when it cannot be reached, or is overloaded
 */
export async function requestToken(credentials: ClientCredentials): Promise<BearerToken> {
  const first = await post(credentials, 'header');
  const isRefused = first.status === 401 || first.fields['error'] === INVALID_CLIENT;
  if (!isRefused) return tokenIn(first, credentials);
  const second = await post(credentials, 'body');
  return tokenIn(second.status === 200 ? second : first, credentials);
}

function tokenIn({ status, fields }: TokenAnswer, credentials: ClientCredentials): BearerToken {
  const { access_token: value, token_type: type, expires_in: seconds, error } = fields;
  if (status === 200 && isBearerToken(value) && isBearerType(type)) {
    return { value, lifetimeMs: lifetimeOf(value, seconds) };
  }
  const why = `the token server at ${credentials.url} ${whyNone({ status, fields }, credentials)}`;
  const isTransient = status >= 500 || TRANSIENT_STATUS.has(status) || TRANSIENT.has(String(error));
  if (isTransient) throw new NoTokenError(why);
  const isClient = status === 401 || status === 403 || error === INVALID_CLIENT;
  throw new TokenRefusedError(
    why,
    isClient
      ? 'KAFKA_SASL_OAUTH_CLIENT_ID and KAFKA_SASL_OAUTH_CLIENT_SECRET'
      : 'KAFKA_SASL_OAUTH_TOKEN_URL and KAFKA_SASL_OAUTH_SCOPE',
  );
}

/** Absent with some servers, although required. */
function isBearerType(type: unknown): boolean {
  return type === undefined || String(type).toLowerCase() === 'bearer';
}

function whyNone({ status, fields }: TokenAnswer, { clientSecret }: ClientCredentials): string {
  const { error, error_description: description } = fields;
  if (status === 200) return 'answered without a bearer token';
  const texts = [error, description].filter((text) => typeof text === 'string');
  if (texts.length === 0) return `answered ${status}`;
  // A server may repeat what it was sent.
  const said = texts.join(': ').replaceAll(clientSecret, '(not shown)');
  return `answered ${status}, ${printable(said.slice(0, SHOWN_CHARACTERS))}`;
}

/** Redirects are not followed: they lead to login pages, and would take the secret along. */
async function post(
  { url, clientId, clientSecret, scope }: ClientCredentials,
  secretIn: 'header' | 'body',
): Promise<TokenAnswer> {
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  if (scope !== undefined) body.set('scope', scope);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (secretIn === 'header') {
    const pair = `${formEncoded(clientId)}:${formEncoded(clientSecret)}`;
    headers['authorization'] = `Basic ${Buffer.from(pair).toString('base64')}`;
  } else {
    body.set('client_id', clientId);
    body.set('client_secret', clientSecret);
  }
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, {
      method: 'POST',
      headers,
      body,
      redirect: 'manual',
      signal,
    });
    return { status: response.status, fields: fieldsOf(await textOf(response)) };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    throw new NoTokenError(`the token server at ${url}: ${messageOf(cause)}`, { cause });
  }
}

/** RFC 6749, section 2.3.1. */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
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

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
}
