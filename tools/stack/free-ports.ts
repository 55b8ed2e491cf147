import { randomInt } from 'node:crypto';
import getPort from 'get-port';
import { ServiceStartError } from './errors.ts';

// Below the range that systems take the ports of outgoing connections from (32768 up, on Linux).
// Otherwise a client that keeps dialling a stopped service's port can be given that same port for
// its own end, and so sits on it when the service wants to come back.
const LOWEST = 15_000;
const BEYOND_HIGHEST = 32_000;
const TRIES = 3;
const TRIES_PER_PORT = 100;

/** `count` different ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  // One after another: a port that was handed out is not handed out again for a while.
  while (ports.length < count) {
    const candidates = Array.from({ length: TRIES_PER_PORT }, () =>
      randomInt(LOWEST, BEYOND_HIGHEST),
    );
    ports.push(await getPort({ host: '127.0.0.1', port: candidates }));
  }
  return ports;
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
