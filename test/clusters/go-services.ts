import { join } from 'node:path';
import { bareEnvironment } from '../../tools/stack/child-environment.ts';
import { onFreePorts } from '../../tools/stack/free-ports.ts';
import { startManaged } from '../../tools/stack/managed-process.ts';
import { kafkaProbe, type Probe, registryProbe } from '../../tools/stack/readiness.ts';
import type { Lab } from './combination.ts';
import { goProgram } from './tools.ts';

/** franz-go's own broker, in memory. */
export async function startGoBroker(lab: Lab): Promise<string> {
  return await start(lab, {
    args: (port) => ['broker', String(port)],
    address: (port) => `127.0.0.1:${port}`,
    probe: kafkaProbe,
  });
}

/** franz-go's own registry, in memory. */
export async function startGoRegistry(lab: Lab): Promise<string> {
  return await start(lab, {
    args: (port) => ['registry', `127.0.0.1:${port}`],
    address: (port) => `http://127.0.0.1:${port}`,
    probe: registryProbe,
  });
}

interface GoService {
  readonly args: (port: number) => string[];
  readonly address: (port: number) => string;
  readonly probe: (address: string) => Probe;
}

async function start(lab: Lab, { args, address, probe }: GoService): Promise<string> {
  const { watchdog, env } = lab.context;
  const file = await goProgram(lab);
  return await onFreePorts(1, async ([port = 0]) => {
    await startManaged(watchdog, {
      label: `franz-go's ${args(port)[0]}`,
      stopSignal: 'SIGTERM',
      probe: probe(address(port)),
      spec: {
        file,
        args: args(port),
        env: bareEnvironment(env),
        log: join(watchdog.scratch, `go-${port}.log`),
      },
    });
    return address(port);
  });
}
