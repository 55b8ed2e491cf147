/**
 * A worker in a process of its own, as `usage-ledger run` is one, that kills or freezes itself at
 * the step given by the process that started it.
 */
import { together } from '../../src/cli/reach.ts';
import { reachDatabase } from '../../src/cli/reach-database.ts';
import { reachKafka } from '../../src/cli/reach-kafka.ts';
import { runWorker } from '../../src/cli/run-worker.ts';
import { shutdownSignal } from '../../src/cli/shutdown.ts';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { createRegistry } from '../../src/registry/schema-registry.ts';
import { KafkaSource } from '../../src/source/kafka/kafka-source.ts';
import type { PartitionSource } from '../../src/source/partition-source.ts';
import type { Order, WorkerEvent, WorkerStep } from './worker-orders.ts';

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
void send({ started: true });

const connections = Number(
  process.env['TORTURE_CONNECTIONS'] ?? settings.DATABASE_POOL_SIZE + SPARE_CONNECTIONS,
);
const [kafka, database] = await together([
  reachKafka(settings, logger),
  reachDatabase(settings, connections),
]);
database.on('acquire', () => void reach('connection_taken'));
const { KAFKA_GROUP_ID: groupId, KAFKA_TOPICS: topics } = settings;
await runWorker({
  settings,
  logger,
  kafka,
  source: watched(new KafkaSource({ kafka, settings, groupId, topics, logger })),
  // Not waited for: the first unknown schema id has to.
  registry: createRegistry(settings),
  database,
  untilCaughtUp: false,
  signal,
  onStep: reach,
  onCompactionStep: reach,
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
  await send({ reached: step });
  process.kill(process.pid, 'SIGSTOP');
}

function send(event: WorkerEvent): Promise<unknown> {
  return new Promise((resolve) => process.send?.(event, resolve));
}

/** Makes steps of the worker's offset commits. */
function watched(source: PartitionSource): PartitionSource {
  const { commit, stop } = source;
  source.commit = async (positions) => {
    await reach('committing_to_kafka');
    await commit.call(source, positions);
    await reach('committed_to_kafka');
  };
  source.stop = async () => {
    await reach('leaving_group');
    await stop.call(source);
  };
  return source;
}
