import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';

/** A Docker engine that answers, has no image, and starts nothing. */
export interface FakeEngine {
  readonly port: number;
  /** Bodies of the requests to create a container. */
  readonly created: Record<string, unknown>[];
  close(): Promise<void>;
}

/** @param isPublished whether an image can be pulled */
export async function fakeEngine(isPublished: (image: string) => boolean): Promise<FakeEngine> {
  const created: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: unknown) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://engine');
    const body = await bodyOf(request);
    if (pathname.endsWith('/info')) return answer(200, { OSType: 'linux', ServerVersion: 'fake' });
    if (pathname.endsWith('/containers/json')) return answer(200, []);
    if (pathname.endsWith('/images/create')) {
      const image = `${searchParams.get('fromImage')}:${searchParams.get('tag') ?? ''}`;
      return isPublished(image)
        ? answer(200, { status: 'pulled' })
        : answer(404, { message: `manifest for ${image} not found: manifest unknown` });
    }
    if (pathname.endsWith('/containers/create')) {
      created.push(JSON.parse(body) as Record<string, unknown>);
      return answer(500, { message: 'this engine starts nothing' });
    }
    return answer(404, { message: `no such image: ${pathname}` });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    created,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
