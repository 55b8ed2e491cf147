import { CheckFailedError, WrongUsageError } from '../errors.ts';
import { topicBounds, withAdmin } from '../kafka/admin.ts';
import { withTopicIds } from '../kafka/topic-ids.ts';
import { isAboutTopics } from '../kafka/topics.ts';
import { acceptLoss } from '../ledger/accept-loss.ts';
import type { PartitionView } from '../ledger/position.ts';
import { positionsOf, resume } from '../ledger/positions.ts';
import { setPosition } from '../ledger/set-position.ts';
import type { PartitionKey } from '../ledger/statements/positions.ts';
import type { Database } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { command, context, JSON_OPTION, printResult } from './command.ts';
import { wholeNumber } from './options.ts';
import { showPositionsCommand } from './position-show.ts';
import { together } from './reach.ts';
import { reachDatabase } from './reach-database.ts';
import { reachKafka } from './reach-kafka.ts';

interface PartitionOptions {
  topic: string;
  partition: number;
  json: boolean;
}

interface Found {
  readonly database: Database;
  readonly key: PartitionKey;
  readonly view: PartitionView;
  readonly json: boolean;
}

export function positionCommand() {
  const position = command('position', 'show positions, and make the decisions that need a person');
  position.addCommand(showPositionsCommand());
  position.addCommand(
    partitionCommand(
      'accept-loss',
      'resume after offsets the broker has deleted; recorded in the books',
    ).action(async (options: PartitionOptions) => {
      await withPartition(options, async (found) => {
        printDone(found, await acceptLoss(found.database, found.key, found.view));
      });
    }),
  );
  position.addCommand(
    partitionCommand('set', 'continue from another offset, as a new pass; recorded in the books')
      .requiredOption('--offset <n>', 'offset to continue from', wholeNumber(0))
      .option('--skip-unread', 'allow skipping offsets that were never read', false)
      .action(async (options: PartitionOptions & { offset: number; skipUnread: boolean }) => {
        await withPartition(options, (found) => set(found, options));
      }),
  );
  position.addCommand(
    partitionCommand('resume', 'resume after a halt caused by DEAD_LETTER_LIMIT').action(
      async (options: PartitionOptions) => {
        await withPartition(options, resumePartition);
      },
    ),
  );
  return position;
}

/** @param done what was done, in words */
function printDone({ key, json }: Found, done: string): void {
  const { groupId, topic, partition } = key;
  printResult(json, { group_id: groupId, topic, partition, done }, `${keyOf(key)}: ${done}`);
}

async function set(
  found: Found,
  { offset, skipUnread }: { offset: number; skipUnread: boolean },
): Promise<void> {
  const { database, key, view } = found;
  const { earliest, latest } = view;
  if (offset < earliest || offset > latest) {
    throw new WrongUsageError(`--offset ${offset}: the broker has ${earliest} to ${latest}`);
  }
  printDone(found, await setPosition(database, key, view, offset, { skipUnread }));
}

async function resumePartition(found: Found): Promise<void> {
  const { database, key, view } = found;
  const { groupId, topic } = key;
  if (await resume(database, key, view.latest)) {
    const counted = `dead letters from offset ${view.latest} on count towards DEAD_LETTER_LIMIT`;
    printDone(found, `resumed; ${counted}`);
    return;
  }
  const halt = (await positionsOf(database, groupId, [topic])).get(keyOf(key))?.halt;
  throw new CheckFailedError(
    halt === undefined
      ? `${keyOf(key)} is not halted`
      : `${keyOf(key)} is not halted by DEAD_LETTER_LIMIT; see: usage-ledger position show`,
  );
}

function partitionCommand(name: string, about: string) {
  return command(name, about)
    .requiredOption('--topic <topic>', 'topic')
    .requiredOption('--partition <n>', 'partition', wholeNumber(0, 0x7fff_ffff))
    .option(...JSON_OPTION);
}

async function withPartition(
  { topic, partition, json }: PartitionOptions,
  work: (found: Found) => Promise<void>,
): Promise<void> {
  const { settings, logger } = context(['kafka', 'database']);
  const [kafka, database] = await together([
    reachKafka(settings, logger),
    reachDatabase(settings, 2),
  ]);
  try {
    const all = await withAdmin(kafka, (admin) => topicBounds(admin, topic)).catch(
      (error: unknown) => {
        if (isAboutTopics(error)) return undefined;
        throw error;
      },
    );
    const bounds = all?.get(partition);
    if (bounds === undefined) {
      throw new WrongUsageError(`the brokers have no ${keyOf({ topic, partition })}`);
    }
    const topicId = await withTopicIds(kafka, (ids) => ids.of(topic));
    const key = { groupId: settings.KAFKA_GROUP_ID, topic, partition };
    await work({ database, key, view: { ...bounds, topicId }, json });
  } finally {
    await database.end();
  }
}
