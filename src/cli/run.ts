import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { CheckFailedError } from '../errors.ts';
import type { PartitionStatus } from '../worker/partition-status.ts';
import { command, context } from './command.ts';
import { together } from './reach.ts';
import { reachDatabase } from './reach-database.ts';
import { reachAnyTopic, reachKafka, reachTopics } from './reach-kafka.ts';
import { reachRegistry } from './reach-registry.ts';
import { runWorker } from './run-worker.ts';
import { shutdownSignal, unlessStopped } from './shutdown.ts';

/** Connections for positions, probes and names, in addition to those of the batches. */
const SPARE_CONNECTIONS = 2;

export function runCommand() {
  return command('run', 'run the worker: apply events until SIGTERM, then drain')
    .option(
      '--until-caught-up',
      'exit once every partition has reached its end at start-up; ' +
        'exit 1 if a partition is halted',
      false,
    )
    .action(async ({ untilCaughtUp }: { untilCaughtUp: boolean }) => {
      const { settings, logger } = context(['kafka', 'registry', 'database']);
      const signal = shutdownSignal(logger);
      const found = await unlessStopped(signal, dependencies(settings, logger, untilCaughtUp));
      // Stopped before anything began, so there is nothing to drain.
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
  // A missing topic would count as caught up.
  const reachSome = untilCaughtUp ? reachTopics : reachAnyTopic;
  await reachSome(settings, kafka, settings.KAFKA_TOPICS);
  return { kafka, registry, database };
}

export function haltedMessage(halted: readonly PartitionStatus[]): string {
  const lines = halted.map(
    ({ topic, partition, position, detail }) =>
      `  topic ${topic}, partition ${partition}, offset ${position}: ${detail}`,
  );
  return `partitions halted; the others are caught up:\n${lines.join('\n')}`;
}
