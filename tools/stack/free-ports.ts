import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:net';
import { ServiceStartError } from './errors.ts';

// Below the range that systems take the ports of outgoing connections from (32768 up, on Linux).
// Otherwise a client that keeps dialling a stopped service's port can be given that same port for
// its own end, and so sits on it when the service wants to come back.
const LOWEST = 15_000;
const BEYOND_HIGHEST = 32_000;
const TRIES = 3;

/** `count` different ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  for (let tries = 0; ports.length < count; tries += 1) {
    if (tries > 1_000) throw new Error('No free port was found on 127.0.0.1');
    const port = randomInt(LOWEST, BEYOND_HIGHEST);
    const server = await listen(port);
    if (server === undefined) continue;
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return ports;
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

/** Starts something on free ports, on others if somebody was quicker to take these. */
export async function onFreePorts<T>(
  count: number,
  start: (ports: readonly number[]) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePorts(count));
    } catch (error) {
      if (!(error instanceof ServiceStartError && error.portTaken) || tries === TRIES) throw error;
    }
  }
}
