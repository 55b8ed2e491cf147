import { once } from 'node:events';
import { createServer, request } from 'node:http';

/** What proxies, captive portals and half-dead gateways answer with a status of success. */
export const NONSENSE = [
  { type: 'text/html', body: '<html><body>Sign in to continue</body></html>' },
  { type: 'application/json', body: '{"schema":"{\\"type\\":\\"rec' },
  { type: 'application/json', body: '' },
  { type: 'application/json', body: '{}' },
  { type: 'application/json', body: 'null' },
] as const;

/** A way to the registry that can answer nonsense in its place. */
export interface NonsenseProxy {
  readonly url: string;
  /** With what it answers; `undefined`: with what the registry does. */
  says: (typeof NONSENSE)[number] | undefined;
  /** Nonsense answers so far. */
  readonly answered: number;
  close(): Promise<void>;
}

export async function nonsenseProxy(target: string): Promise<NonsenseProxy> {
  const { hostname, port, pathname } = new URL(target);
  let answered = 0;
  const proxy = {
    url: '',
    says: undefined as NonsenseProxy['says'],
    get answered() {
      return answered;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const server = createServer((incoming, response) => {
    const { says } = proxy;
    if (says !== undefined) {
      answered += 1;
      incoming.resume();
      response.writeHead(200, { 'content-type': says.type });
      response.end(says.body);
      return;
    }
    const { url: path, method, headers } = incoming;
    const onward = request({ hostname, port, path, method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address() as { port: number };
  proxy.url = `http://127.0.0.1:${address.port}${pathname}`;
  return proxy;
}
