import { SCHEMA_TEXT } from './wire.ts';

const TIMEOUT_MS = 10_000;

export interface RegistryOptions {
  /** May hold a user and password. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Whether the schema may be registered; if not, it must be there already. */
  readonly register: boolean;
}

/**
 * The id of the schema for `subject`, which is registered if it is not there yet.
 *
 * @throws when the registry does not answer within ten seconds, or refuses
 */
export async function schemaIdOf(
  { url, username, password, register }: RegistryOptions,
  subject: string,
  signal: AbortSignal,
): Promise<number> {
  const path = `subjects/${encodeURIComponent(subject)}${register ? '/versions' : ''}`;
  const address = new URL(`${url.replace(/\/$/, '')}/${path}`);
  const user = username ?? decodeURIComponent(address.username);
  const secret = password ?? decodeURIComponent(address.password);
  address.username = '';
  address.password = '';
  const headers: Record<string, string> = {
    'content-type': 'application/vnd.schemaregistry.v1+json',
  };
  if (user !== '') {
    headers['authorization'] = `Basic ${Buffer.from(`${user}:${secret}`).toString('base64')}`;
  }
  const response = await fetch(address, {
    method: 'POST',
    headers,
    body: JSON.stringify({ schema: SCHEMA_TEXT }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
  }).catch((error: Error) => {
    // Why is all that fetch says in its cause.
    const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
    throw new Error(`the schema registry cannot be reached: ${code ?? message}`);
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`the schema registry answered ${response.status}: ${text}`);
  const { id } = JSON.parse(text) as { id?: unknown };
  if (typeof id !== 'number')
    throw new Error(`the schema registry answered without an id: ${text}`);
  return id;
}
