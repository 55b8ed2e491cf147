import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf, WrongUsageError } from '../errors.ts';
import type { WorkerMetrics } from './metrics/worker-metrics.ts';
import { type ReadinessProbes, readinessProblems } from './readiness.ts';
import { sharedProbe } from './shared-probe.ts';

export interface HttpServer {
  /** Where it listens, as host:port. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Serves /healthz (the process is alive), /readyz (200 when the worker makes progress, else 503 with
 * the reasons) and /metrics (Prometheus text).
 *
 * @throws {WrongUsageError} when the address cannot be listened on
 */
export async function serveHttp(
  host: string,
  port: number,
  metrics: WorkerMetrics,
  given: ReadinessProbes,
): Promise<HttpServer> {
  const probes = {
    ...given,
    database: sharedProbe(given.database),
    registry: sharedProbe(given.registry),
  };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    answer(path, response, metrics, probes).catch((error: unknown) => {
      send(response, 500, 'text/plain', `${messageOf(error)}\n`);
    });
  });
  await listen(server, host, port);
  const address = server.address() as AddressInfo;
  return {
    address: `${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    throw new WrongUsageError(
      `HTTP_HOST and HTTP_PORT: cannot listen on ${host}:${port}: ${messageOf(error)}`,
    );
  }
}

async function answer(
  path: string,
  response: ServerResponse,
  metrics: WorkerMetrics,
  probes: ReadinessProbes,
): Promise<void> {
  switch (path) {
    case '/healthz':
      return send(response, 200, 'text/plain', 'ok\n');
    case '/readyz': {
      const problems = await readinessProblems(probes);
      const ready = problems.length === 0;
      const body = JSON.stringify({ ready, problems });
      return send(response, ready ? 200 : 503, 'application/json', `${body}\n`);
    }
    case '/metrics':
      return send(response, 200, metrics.registry.contentType, await metrics.registry.metrics());
    default:
      return send(response, 404, 'text/plain', 'try /healthz, /readyz or /metrics\n');
  }
}

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}
