import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Certificate } from './certificates.ts';

/** A way to a service that asks for user and password, as the gateway before a registry does. */
export interface BasicAuthProxy {
  readonly url: string;
  /** Requests that were let through, and that were not. */
  readonly seen: { passed: number; refused: number };
  close(): Promise<void>;
}

/** @param certificate with one, it speaks TLS */
export async function startBasicAuthProxy(
  targetUrl: string,
  user: string,
  password: string,
  certificate?: Certificate,
): Promise<BasicAuthProxy> {
  const target = new URL(targetUrl);
  const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const seen = { passed: 0, refused: 0 };
  const answer = (incoming: IncomingMessage, response: ServerResponse) => {
    const { authorization, ...headers } = incoming.headers;
    if (authorization !== wanted) {
      seen.refused += 1;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="registry"' });
      response.end('{"error_code": 401, "message": "Unauthorized"}');
      return;
    }
    seen.passed += 1;
    const { hostname, port } = target;
    const options = { hostname, port, path: incoming.url, method: incoming.method, headers };
    const onward = request(options, (answered) => {
      response.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  };
  const server =
    certificate === undefined
      ? createServer(answer)
      : createTlsServer(
          {
            key: await readFile(certificate.keyFile),
            cert: await readFile(certificate.certFile),
          },
          answer,
        );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const scheme = certificate === undefined ? 'http' : 'https';
  return {
    url: `${scheme}://127.0.0.1:${port}${target.pathname}`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
