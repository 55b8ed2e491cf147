/**
 * A worker in a process of its own, as `usage-ledger run` is one, that kills or freezes itself at
 * the step it was told by the process that started it.
 */
import net from 'node:net';
import type { Kafka } from 'kafkajs';
import { reachDatabase, reachKafka, together } from '../../src/commands/dependencies.ts';
import { runWorker } from '../../src/commands/run-worker.ts';
import { shutdownSignal } from '../../src/commands/shutdown.ts';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import type { News, Order, WorkerStep } from './worker-orders.ts';

/** As in `usage-ledger run`. */
const SPARE_CONNECTIONS = 2;

let order: Order | undefined;
let occurrences = 0;

process.on('message', (given: Order) => {
  order = given;
  occurrences = 0;
});
// Whoever started this is gone: a worker must not outlive its test.
process.on('disconnect', () => process.exit(1));

const settings = loadSettings(process.env, ['kafka', 'registry', 'database']);
const logger = createLogger(settings.LOG_LEVEL);
const signal = shutdownSignal(logger);
signal.addEventListener('abort', () => void reach('draining'));
void tell({ started: true });

const connections = Number(
  process.env['TORTURE_CONNECTIONS'] ?? settings.DATABASE_POOL_SIZE + SPARE_CONNECTIONS,
);
sendKafkaThrough(Number(process.env['TORTURE_KAFKA_PROXY'] ?? 0));
const [kafka, database] = await together([
  reachKafka(settings, logger),
  reachDatabase(settings, connections),
]);
database.on('acquire', () => void reach('connection_taken'));
watchCommits(kafka);
await runWorker({
  settings,
  logger,
  kafka,
  // Not waited for: the first unknown schema id has to.
  registry: createRegistry(settings),
  database,
  untilCaughtUp: false,
  signal,
  onStep: reach,
});
await database.end();
process.exit(0);

function reach(step: WorkerStep): Promise<void> | undefined {
  if (order === undefined || order.step !== step) return undefined;
  if (order.whileDraining && !signal.aborted) return undefined;
  occurrences += 1;
  if (occurrences < order.occurrence) return undefined;
  const { act } = order;
  order = undefined;
  // SIGKILL to oneself does not return.
  if (act === 'kill') process.kill(process.pid, 'SIGKILL');
  return freeze(step);
}

async function freeze(step: WorkerStep): Promise<void> {
  await tell({ reached: step });
  process.kill(process.pid, 'SIGSTOP');
}

function tell(news: News): Promise<unknown> {
  return new Promise((resolve) => process.send?.(news, resolve));
}

/** Connects to a port in place of the broker's: the broker itself names only its own. */
function sendKafkaThrough(proxyPort: number): void {
  if (proxyPort === 0) return;
  const broker = Number(settings.KAFKA_BROKERS[0]?.split(':').at(-1));
  const { connect } = net;
  net.connect = ((target: net.TcpNetConnectOpts, onConnect: () => void) =>
    connect(
      target.port === broker ? { ...target, port: proxyPort } : target,
      onConnect,
    )) as typeof connect;
}

/** Makes steps of what the worker's consumer tells the broker. */
function watchCommits(client: Kafka): void {
  const makeConsumer = client.consumer.bind(client);
  client.consumer = (config) => {
    const consumer = makeConsumer(config);
    const { commitOffsets, disconnect } = consumer;
    consumer.commitOffsets = async (offsets) => {
      await reach('telling_kafka');
      await commitOffsets(offsets);
      await reach('kafka_told');
    };
    consumer.disconnect = async () => {
      await reach('leaving_group');
      await disconnect();
    };
    return consumer;
  };
}
