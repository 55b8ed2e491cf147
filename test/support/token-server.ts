import { createSign, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export const CLIENT_ID = 'meter:1';
/** With characters that have a meaning in forms and in headers. */
export const CLIENT_SECRET = 'pw-oauth: 7f/ä+&%';
export const SCOPE = 'kafka';

export interface TokenServer {
  readonly tokenUrl: string;
  readonly jwksUrl: string;
  readonly issuer: string;
  /** May be changed while it runs. */
  lifetimeS: number;
  audience: string;
  mode: 'well' | 'overloaded' | 'secret in the body only';
  /** Requests for a token that were answered with one, and that were not. */
  readonly seen: { issued: number; refused: number };
  close(): Promise<void>;
}

/** An OAuth 2 server for the client credentials grant, whose tokens are signed (RS256). */
export async function startTokenServer(): Promise<TokenServer> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'key-1', alg: 'RS256', use: 'sig' };
  const server = createServer((incoming, response) => {
    if (incoming.url === '/jwks') return reply(response, 200, { keys: [jwk] });
    void answer(state, privateKey, incoming, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const state: TokenServer = {
    tokenUrl: `${issuer}/token`,
    jwksUrl: `${issuer}/jwks`,
    issuer,
    lifetimeS: 3_600,
    audience: 'kafka',
    mode: 'well',
    seen: { issued: 0, refused: 0 },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return state;
}

async function answer(
  state: TokenServer,
  key: KeyObject,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = new URLSearchParams(await text(incoming));
  const inHeader = /^Basic (.+)$/.exec(incoming.headers.authorization ?? '')?.[1];
  const [id, secret] =
    inHeader === undefined
      ? [form.get('client_id'), form.get('client_secret')]
      : Buffer.from(inHeader, 'base64').toString().split(':').map(formDecoded);
  const isBodyWanted = state.mode === 'secret in the body only';
  if (state.mode === 'overloaded') {
    state.seen.refused += 1;
    return reply(response, 503, { error: 'temporarily_unavailable' });
  }
  const isKnown = id === CLIENT_ID && secret === CLIENT_SECRET;
  if (!isKnown || (isBodyWanted && inHeader !== undefined)) {
    state.seen.refused += 1;
    const description = `no client ${id} with ${secret}`;
    return reply(response, 401, { error: 'invalid_client', error_description: description });
  }
  if (form.get('grant_type') !== 'client_credentials' || form.get('scope') !== SCOPE) {
    state.seen.refused += 1;
    return reply(response, 400, { error: 'invalid_scope' });
  }
  state.seen.issued += 1;
  reply(response, 200, {
    access_token: signed(state, key),
    token_type: 'Bearer',
    expires_in: state.lifetimeS,
  });
}

function formDecoded(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '));
}

function signed({ issuer, audience, lifetimeS }: TokenServer, key: KeyObject): string {
  const now = Math.floor(Date.now() / 1_000);
  const parts = [
    { alg: 'RS256', typ: 'JWT', kid: 'key-1' },
    { iss: issuer, aud: audience, sub: 'meter', scope: SCOPE, iat: now, exp: now + lifetimeS },
  ].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const signature = createSign('RSA-SHA256').update(parts.join('.')).sign(key, 'base64url');
  return [...parts, signature].join('.');
}

function reply(response: ServerResponse, status: number, json: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(json));
}
