import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { CheckFailedError } from '../errors.ts';
import type { PartitionStatus } from '../worker/partition-status.ts';
import { command, context } from './command.ts';
import {
  reachAnyTopic,
  reachDatabase,
  reachKafka,
  reachRegistry,
  reachTopics,
  together,
} from './dependencies.ts';
import { runWorker } from './run-worker.ts';
import { shutdownSignal, unlessStopped } from './shutdown.ts';

/** Connections beside those of the batches: positions, probes, names. */
const SPARE_CONNECTIONS = 2;

export function runCommand() {
  return command('run', 'the consumer worker: apply events until SIGTERM, then drain')
    .option(
      '--until-caught-up',
      'exit once every partition has reached the end it had at the start; ' +
        'exit 1 when one had to be halted',
      false,
    )
    .action(async ({ untilCaughtUp }: { untilCaughtUp: boolean }) => {
      const { settings, logger } = context(['kafka', 'registry', 'database']);
      const signal = shutdownSignal(logger);
      const found = await unlessStopped(signal, dependencies(settings, logger, untilCaughtUp));
      // Nothing was begun: nothing is to be drained.
      if (found === undefined) return;
      const { kafka, registry, database } = found;
      try {
        const options = { settings, logger, kafka, registry, database, untilCaughtUp, signal };
        const { counts, halted } = await runWorker(options);
        logger.info(counts, 'stopped');
        if (halted.length > 0) throw new CheckFailedError(haltedMessage(halted));
      } finally {
        await database.end();
      }
    });
}

async function dependencies(settings: Settings, logger: Logger, untilCaughtUp: boolean) {
  const size = settings.DATABASE_POOL_SIZE + SPARE_CONNECTIONS;
  const [kafka, registry, database] = await together([
    reachKafka(settings, logger),
    reachRegistry(settings),
    reachDatabase(settings, size),
  ]);
  // A run that ends by itself would call a topic that is missing caught up.
  const reachSome = untilCaughtUp ? reachTopics : reachAnyTopic;
  await reachSome(settings, kafka, settings.KAFKA_TOPICS);
  return { kafka, registry, database };
}

export function haltedMessage(halted: readonly PartitionStatus[]): string {
  const lines = halted.map(
    ({ topic, partition, position, detail }) =>
      `  topic ${topic}, partition ${partition}, offset ${position}: ${detail}`,
  );
  return `halted, while the other partitions are caught up:\n${lines.join('\n')}`;
}
