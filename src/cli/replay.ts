import { randomBytes } from 'node:crypto';
import { Option } from 'commander';
import type { Admin, Kafka } from 'kafkajs';
import type { Settings } from '../config/settings.ts';
import { SchemaCache } from '../decode/avro/schema-cache.ts';
import { CheckFailedError, WrongUsageError } from '../errors.ts';
import { topicBounds, withAdmin } from '../kafka/admin.ts';
import { keyOf } from '../records/topic-partition.ts';
import { schemaFetcher } from '../registry/schema-fetcher.ts';
import { KafkaSource } from '../source/kafka/kafka-source.ts';
import { type ReplayRange, replay } from '../worker/replay.ts';
import { command, context, JSON_OPTION, note, print, printJson } from './command.ts';
import { requireRange, time, wholeNumber } from './options.ts';
import { ProgressBar } from './progress-bar.ts';
import { together } from './reach.ts';
import { reachDatabase } from './reach-database.ts';
import { reachKafka, requireTopics } from './reach-kafka.ts';
import { reachRegistry } from './reach-registry.ts';
import { haltedMessage } from './run.ts';
import { shutdownSignal } from './shutdown.ts';
import { alignedTable } from './table.ts';

interface ReplayOptions {
  topic?: string;
  partition?: number;
  fromOffset?: number;
  fromTimestamp?: Date;
  fromBeginning?: boolean;
  toOffset?: number;
  toTimestamp?: Date;
  dryRun: boolean;
  json: boolean;
}

const OUTCOMES = ['applied', 'duplicate', 'ignored', 'conflict', 'dead_letter'] as const;

export function replayCommand() {
  return command('replay', 'read a range of a topic again; applied events are not applied twice')
    .option('--topic <topic>', 'only this topic (default: all of KAFKA_TOPICS)')
    .option('--partition <n>', 'only this partition', wholeNumber(0, 0x7fff_ffff))
    .addOption(
      new Option('--from-offset <n>', 'from this offset on')
        .argParser(wholeNumber(0))
        .conflicts(['fromTimestamp', 'fromBeginning']),
    )
    .addOption(
      new Option(
        '--from-timestamp <time>',
        'from the first message at or after this time (ISO 8601)',
      )
        .argParser(time)
        .conflicts(['fromBeginning']),
    )
    .option('--from-beginning', 'from the first offset that the broker has')
    .addOption(
      new Option('--to-offset <n>', 'up to, not including, this offset (default: the current end)')
        .argParser(wholeNumber(0))
        .conflicts(['toTimestamp']),
    )
    .option(
      '--to-timestamp <time>',
      'up to, not including, the first message at or after this time',
      time,
    )
    .option('--dry-run', 'change nothing; print what would change', false)
    .option(...JSON_OPTION)
    .action(runReplay);
}

async function runReplay(options: ReplayOptions): Promise<void> {
  const { fromOffset, fromTimestamp, fromBeginning, dryRun } = options;
  if (fromOffset === undefined && fromTimestamp === undefined && !fromBeginning) {
    throw new WrongUsageError(
      'no start given; pass --from-offset, --from-timestamp or --from-beginning',
    );
  }
  requireRange(fromTimestamp, options.toTimestamp, {
    since: '--from-timestamp',
    until: '--to-timestamp',
  });
  const { settings, logger } = context(['kafka', 'registry', 'database']);
  const [kafka, , database] = await together([
    reachKafka(settings, logger),
    reachRegistry(settings),
    reachDatabase(settings, 4),
  ]);
  try {
    const topics = options.topic === undefined ? settings.KAFKA_TOPICS : [options.topic];
    await requireTopics(kafka, topics);
    const ranges = await withAdmin(kafka, (admin) => rangesOf(admin, topics, options));
    const groupId = groupOf(settings);
    // Nothing has begun before this, so a signal may simply end the process.
    const signal = shutdownSignal(logger);
    const source = new KafkaSource({ kafka, settings, groupId, topics, logger });
    const bar = new ProgressBar('reading again');
    const { counts, halted } = await replay({
      source,
      database,
      schemas: new SchemaCache(schemaFetcher(settings)),
      logger,
      groupId,
      ranges,
      maxEvents: settings.BATCH_MAX_EVENTS,
      bufferBytes: settings.BUFFER_MAX_BYTES,
      dryRun,
      signal,
      onProgress: (done, total) => bar.update(done, total),
    }).finally(() => bar.clear());
    await forgetGroup(kafka, groupId);
    const rows = ranges.map((range) => ({
      topic: range.topic,
      partition: range.partition,
      from_offset: range.from,
      to_offset: range.to,
      ...Object.fromEntries(OUTCOMES.map((name) => [name, counts.get(keyOf(range))?.[name] ?? 0])),
    }));
    if (options.json)
      printJson({ dry_run: dryRun, group_id: dryRun ? null : groupId, ranges: rows });
    else printRanges(rows, dryRun);
    if (ranges.every(({ from, to }) => from >= to)) {
      throw new CheckFailedError('nothing was read: the broker has no messages in these ranges');
    }
    if (halted.length > 0) throw new CheckFailedError(haltedMessage(halted));
    if (signal.aborted) throw new CheckFailedError('stopped before the end of the ranges');
  } finally {
    await database.end();
  }
}

/** Each replay has its own group, and so its own positions and books. */
function groupOf(settings: Settings): string {
  const now = new Date().toISOString().replace(/\D/g, '').slice(0, 14);
  return `${settings.KAFKA_GROUP_ID}.replay-${now}-${randomBytes(3).toString('hex')}`;
}

async function rangesOf(
  admin: Admin,
  topics: readonly string[],
  options: ReplayOptions,
): Promise<ReplayRange[]> {
  const ranges: ReplayRange[] = [];
  for (const topic of topics) {
    const fromTimes = await offsetsAt(admin, topic, options.fromTimestamp);
    const toTimes = await offsetsAt(admin, topic, options.toTimestamp);
    for (const [partition, { earliest, latest }] of await topicBounds(admin, topic)) {
      if (options.partition !== undefined && options.partition !== partition) continue;
      const from = options.fromOffset ?? fromTimes?.get(partition) ?? earliest;
      const to = options.toOffset ?? toTimes?.get(partition) ?? latest;
      if (options.fromOffset !== undefined && (from > latest || from > to)) {
        throw new WrongUsageError(
          `${keyOf({ topic, partition })}: no offsets in [${from}, ${to}); ` +
            `the broker has [${earliest}, ${latest})`,
        );
      }
      if (options.fromOffset !== undefined && from < earliest) {
        note(
          `${keyOf({ topic, partition })}: offsets ${from}-${earliest - 1} were deleted; ` +
            `reading from ${earliest}`,
        );
      }
      ranges.push({ topic, partition, from: Math.max(from, earliest), to: Math.min(to, latest) });
    }
  }
  if (ranges.length === 0)
    throw new WrongUsageError(`--partition ${options.partition}: no topic has this partition`);
  return ranges.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
}

async function offsetsAt(
  admin: Admin,
  topic: string,
  at: Date | undefined,
): Promise<Map<number, number> | undefined> {
  if (at === undefined) return undefined;
  const offsets = await admin.fetchTopicOffsetsByTimestamp(topic, at.getTime());
  return new Map(offsets.map(({ partition, offset }) => [partition, Number(offset)]));
}

/** Removes a group that will not be used again from the broker. */
async function forgetGroup(kafka: Kafka, groupId: string): Promise<void> {
  await withAdmin(kafka, (admin) => admin.deleteGroups([groupId])).catch(() => {});
}

function printRanges(rows: readonly Record<string, unknown>[], dryRun: boolean): void {
  const names = ['topic', 'partition', 'from_offset', 'to_offset', ...OUTCOMES];
  const columns = names.map((title) =>
    title === 'topic' ? { title } : { title, align: 'right' as const },
  );
  print(
    alignedTable(
      columns,
      rows.map((row) => names.map((name) => String(row[name]))),
    ),
  );
  if (dryRun) print('dry run: nothing was changed');
}
