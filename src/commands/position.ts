import { keyOf } from '../consume/partition-source.ts';
import { WrongUsageError } from '../errors.ts';
import { topicBounds, withAdmin } from '../kafka/admin.ts';
import { acceptLoss, positionsOf, setPosition } from '../pipeline/positions.ts';
import { decideStart } from '../pipeline/start-offset.ts';
import { command, context, print, printJson } from './command.ts';
import { reachDatabase, reachKafka, together } from './dependencies.ts';
import { wholeNumber } from './options.ts';
import { alignedTable } from './table.ts';

interface PartitionOptions {
  topic: string;
  partition: number;
}

export function positionCommand() {
  const position = command(
    'position',
    'where each partition stands, and the two decisions that only a person may take',
  );
  position.addCommand(
    command('show', 'where the group stands in each partition')
      .option('--json', 'print JSON and nothing else', false)
      .action(showPositions),
  );
  position.addCommand(
    partitionCommand(
      'accept-loss',
      'go on behind offsets that the broker does not have any more; kept in the books',
    ).action(async (options: PartitionOptions) => {
      await withPartition(options, async ({ database, key, bounds }) => {
        print(`${keyOf(key)}: ${await acceptLoss(database, key, bounds)}`);
      });
    }),
  );
  position.addCommand(
    partitionCommand('set', 'read on from any offset, as another pass; kept in the books')
      .requiredOption('--offset <n>', 'offset to go on from', wholeNumber(0))
      .action(async (options: PartitionOptions & { offset: number }) => {
        await withPartition(options, async ({ database, key, bounds }) => {
          const { earliest, latest } = bounds;
          if (options.offset < earliest || options.offset > latest) {
            throw new WrongUsageError(
              `--offset ${options.offset}: the broker has ${earliest} to ${latest}`,
            );
          }
          await setPosition(database, key, options.offset);
          print(`${keyOf(key)}: position set to ${options.offset}`);
        });
      }),
  );
  return position;
}

function partitionCommand(name: string, about: string) {
  return command(name, about)
    .requiredOption('--topic <topic>', 'topic')
    .requiredOption('--partition <n>', 'partition', wholeNumber(0, 0x7fff_ffff));
}

async function withPartition(
  { topic, partition }: PartitionOptions,
  work: (found: {
    database: Awaited<ReturnType<typeof reachDatabase>>;
    key: { groupId: string; topic: string; partition: number };
    bounds: { earliest: number; latest: number };
  }) => Promise<void>,
): Promise<void> {
  const { settings, logger } = context(['kafka', 'database']);
  const [kafka, database] = await together([
    reachKafka(settings, logger),
    reachDatabase(settings, 2),
  ]);
  try {
    const all = await withAdmin(kafka, (admin) => topicBounds(admin, topic)).catch(() => undefined);
    const bounds = all?.get(partition);
    if (bounds === undefined) {
      throw new WrongUsageError(`the brokers have no ${keyOf({ topic, partition })}`);
    }
    await work({ database, key: { groupId: settings.KAFKA_GROUP_ID, topic, partition }, bounds });
  } finally {
    await database.end();
  }
}

async function showPositions({ json }: { json: boolean }): Promise<void> {
  const { settings, logger } = context(['kafka', 'database']);
  const { KAFKA_GROUP_ID: groupId, KAFKA_TOPICS: topics } = settings;
  const [kafka, database] = await together([
    reachKafka(settings, logger),
    reachDatabase(settings, 2),
  ]);
  try {
    const positions = await positionsOf(database, groupId, topics);
    const rows = await withAdmin(kafka, async (admin) => {
      const found = [];
      for (const topic of topics) {
        for (const [partition, bounds] of await topicBounds(admin, topic)) {
          const position = positions.get(keyOf({ topic, partition }));
          const start = decideStart(position, undefined, bounds);
          found.push({
            group_id: groupId,
            topic,
            partition,
            next_offset: position?.nextOffset ?? null,
            pass: position?.pass ?? null,
            earliest: bounds.earliest,
            end: bounds.latest,
            lag: Math.max(bounds.latest - (position?.nextOffset ?? bounds.earliest), 0),
            problem: start.kind === 'lost' ? start.why : null,
          });
        }
      }
      return found.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition);
    });
    if (json) printJson(rows);
    else {
      const right = (title: string) => ({ title, align: 'right' as const });
      const columns = [
        { title: 'topic' },
        right('partition'),
        right('position'),
        right('pass'),
        right('earliest'),
        right('end'),
        right('lag'),
        { title: '' },
      ];
      const text = (value: number | string | null) => (value === null ? '' : String(value));
      print(
        alignedTable(
          columns,
          rows.map((row) =>
            [
              row.topic,
              row.partition,
              row.next_offset,
              row.pass,
              row.earliest,
              row.end,
              row.lag,
              row.problem,
            ].map(text),
          ),
        ),
      );
    }
  } finally {
    await database.end();
  }
}
