import { CheckFailedError } from '../errors.ts';
import type { PartitionStatus } from '../pipeline/partition-status.ts';
import { command, context } from './command.ts';
import { reachDatabase, reachKafka, reachRegistry, reachTopics, together } from './dependencies.ts';
import { runWorker } from './run-worker.ts';
import { shutdownSignal } from './shutdown.ts';

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
      const size = settings.DATABASE_POOL_SIZE + SPARE_CONNECTIONS;
      const [kafka, registry, database] = await together([
        reachKafka(settings, logger),
        reachRegistry(settings),
        reachDatabase(settings, size),
      ]);
      try {
        await reachTopics(settings, kafka, settings.KAFKA_TOPICS);
        const options = { settings, logger, kafka, registry, database, untilCaughtUp, signal };
        const { counts, halted } = await runWorker(options);
        logger.info(counts, 'stopped');
        if (halted.length > 0) throw new CheckFailedError(haltedMessage(halted));
      } finally {
        await database.end();
      }
    });
}

export function haltedMessage(halted: readonly PartitionStatus[]): string {
  const lines = halted.map(
    ({ topic, partition, position, detail }) =>
      `  topic ${topic}, partition ${partition}, offset ${position}: ${detail}`,
  );
  return `halted, while the other partitions are caught up:\n${lines.join('\n')}`;
}
