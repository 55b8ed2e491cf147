import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { NoTokenError, TokenRefusedError } from '../../src/kafka/sasl/bearer-token.ts';
import { requestToken } from '../../src/kafka/sasl/client-credentials.ts';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  SCOPE,
  startTokenServer,
  type TokenServer,
} from '../support/token-server.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function tokenServer(): Promise<TokenServer> {
  const server = await startTokenServer();
  closers.push(() => server.close());
  return server;
}

async function serverThat(answers: RequestListener): Promise<string> {
  const server = createServer(answers);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
}

function ask(url: string, clientSecret = CLIENT_SECRET) {
  return requestToken({ url, clientId: CLIENT_ID, clientSecret, scope: SCOPE });
}

describe('a token is requested', () => {
  test('with id and secret in the header, encoded as forms are', async () => {
    const server = await tokenServer();
    server.lifetimeS = 90;
    expect(await ask(server.tokenUrl)).toMatchObject({ lifetimeMs: 90_000 });
    expect(server.seen).toEqual({ issued: 1, refused: 0 });
  });

  test('with id and secret in the body where a server refuses the header', async () => {
    const server = await tokenServer();
    server.mode = 'secret in the body only';
    expect((await ask(server.tokenUrl)).value).toMatch(/^eyJ/);
    expect(server.seen).toEqual({ issued: 1, refused: 1 });
  });
});

describe('there is no token, and no waiting will help:', () => {
  test('a wrong secret, which the server repeats and the error does not', async () => {
    const server = await tokenServer();
    const error = await ask(server.tokenUrl, 'pw-wrong-9c').catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TokenRefusedError);
    expect((error as Error).message).toBe(
      `the token server at ${server.tokenUrl} answered 401, invalid_client: no client ${CLIENT_ID} with (not shown)`,
    );
  });

  test.each<[string, number, string]>([
    ['a page', 200, '<html>'],
    ['a token with a control character', 200, '{"access_token": "a\\u0001b"}'],
    ['a token of another type', 200, '{"access_token": "a", "token_type": "mac"}'],
    ['a redirect', 302, ''],
    ['an unknown address', 404, 'not found'],
    ['an unknown scope', 400, '{"error": "invalid_scope"}'],
  ])('%s', async (_, status, body) => {
    const url = await serverThat((_, response) => {
      response.writeHead(status, { location: 'http://127.0.0.1:1/' }).end(body);
    });
    await expect(ask(url)).rejects.toBeInstanceOf(TokenRefusedError);
  });
});

describe('there is no token now:', () => {
  test.each<[string, RequestListener]>([
    ['an overload', (_, response) => response.writeHead(429).end()],
    ['a failure', (_, response) => response.writeHead(502).end('<html>')],
    ['a connection that is closed', (request) => request.socket.destroy()],
    ['an answer without end', (_, response) => response.writeHead(200).end('x'.repeat(300_000))],
  ])('%s', async (_, listener) => {
    const url = await serverThat(listener);
    const error = await ask(url).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(NoTokenError);
    expect((error as Error).message).toContain(`the token server at ${url}`);
  });
});
