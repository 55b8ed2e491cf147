import type { Kafka } from 'kafkajs';
import { topicBounds, withAdmin } from '../kafka/admin.ts';
import { withTopicIds } from '../kafka/topic-ids.ts';
import { missingTopics } from '../kafka/topics.ts';
import { haltOf } from '../ledger/halt.ts';
import type { PartitionView, StoredPosition } from '../ledger/position.ts';
import { positionsOf } from '../ledger/positions.ts';
import { readSkipped } from '../ledger/statements/unread.ts';
import type { Database } from '../postgres/database.ts';
import { keyOf } from '../records/topic-partition.ts';
import { decideStart } from '../worker/start-offset.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { together } from './reach.ts';
import { reachDatabase } from './reach-database.ts';
import { reachKafka } from './reach-kafka.ts';
import { skippedText } from './skipped.ts';
import { alignedTable } from './table.ts';

interface ShownPosition {
  readonly group_id: string;
  readonly topic: string;
  /** Null: the topic does not exist, and the ledger has no position in it. */
  readonly partition: number | null;
  readonly next_offset: number | null;
  readonly pass: number | null;
  readonly generation: number | null;
  readonly topic_id: string | null;
  /** Null, like the next two, when the brokers do not have the topic. */
  readonly earliest: number | null;
  readonly end: number | null;
  readonly lag: number | null;
  /** Offsets skipped by a person and not read since. */
  readonly skipped_unread: number;
  /** Why the partition is halted, or will be, and the command that resolves it. */
  readonly problem: string | null;
}

export function showPositionsCommand() {
  return command('show', 'print the position of the group in each partition')
    .option(...JSON_OPTION)
    .action(showPositions);
}

async function showPositions({ json }: { json: boolean }): Promise<void> {
  const { settings, logger } = context(['kafka', 'database']);
  const { KAFKA_GROUP_ID: groupId, KAFKA_TOPICS: topics } = settings;
  const [kafka, database] = await together([
    reachKafka(settings, logger),
    reachDatabase(settings, 2),
  ]);
  try {
    const skipped = (await readSkipped.run(database, {})).filter(
      (range) => range.group_id === groupId && topics.includes(range.topic),
    );
    const rows = await positionsShown(kafka, database, groupId, topics);
    const shown = rows.map((row) => ({
      ...row,
      skipped_unread: skipped
        .filter(({ topic, partition }) => topic === row.topic && partition === row.partition)
        .reduce(
          (sum, { first_offset, next_offset }) => sum + Number(next_offset) - Number(first_offset),
          0,
        ),
    }));
    if (json) printJson(shown);
    else {
      printPositions(shown);
      for (const range of skipped) print(skippedText(range));
    }
  } finally {
    await database.end();
  }
}

async function positionsShown(
  kafka: Kafka,
  database: Database,
  groupId: string,
  topics: readonly string[],
): Promise<Omit<ShownPosition, 'skipped_unread'>[]> {
  const positions = await positionsOf(database, groupId, topics);
  return withTopicIds(kafka, (ids) =>
    withAdmin(kafka, async (admin) => {
      const rows: Omit<ShownPosition, 'skipped_unread'>[] = [];
      const missing = new Map(
        (await missingTopics(admin, topics)).map(({ topic, why }) => [topic, why]),
      );
      for (const topic of topics) {
        const why = missing.get(topic);
        if (why !== undefined) {
          rows.push(...rowsOfMissing(groupId, topic, positions, why));
          continue;
        }
        const topicId = await ids.of(topic);
        for (const [partition, bounds] of await topicBounds(admin, topic)) {
          const where = { topic, partition };
          const position = positions.get(keyOf(where));
          rows.push(row(groupId, where, position, { ...bounds, topicId }));
        }
      }
      return rows.sort(
        (a, b) => a.topic.localeCompare(b.topic) || (a.partition ?? 0) - (b.partition ?? 0),
      );
    }),
  );
}

/** The positions in a topic that the brokers do not have; at least one row. */
function rowsOfMissing(
  groupId: string,
  topic: string,
  positions: ReadonlyMap<string, StoredPosition>,
  problem: string,
): Omit<ShownPosition, 'skipped_unread'>[] {
  const known = [...positions]
    .filter(([key]) => key.startsWith(`${topic}/`))
    .map(([key, position]) => ({ partition: Number(key.slice(topic.length + 1)), position }));
  const all = known.length > 0 ? known : [{ partition: null, position: undefined }];
  return all.map(({ partition, position }) => ({
    group_id: groupId,
    topic,
    partition,
    ...stored(position),
    earliest: null,
    end: null,
    lag: null,
    problem,
  }));
}

function stored(position: StoredPosition | undefined) {
  return {
    next_offset: position?.nextOffset ?? null,
    pass: position?.pass ?? null,
    generation: position?.generation ?? null,
    topic_id: position?.topicId ?? null,
  };
}

function row(
  groupId: string,
  where: { topic: string; partition: number },
  position: StoredPosition | undefined,
  view: PartitionView,
): Omit<ShownPosition, 'skipped_unread'> {
  const { earliest, latest } = view;
  return {
    group_id: groupId,
    ...where,
    ...stored(position),
    earliest,
    end: latest,
    lag: Math.max(latest - (position?.nextOffset ?? earliest), 0),
    problem: problemOf(where, position, view),
  };
}

function problemOf(
  where: { topic: string; partition: number },
  position: StoredPosition | undefined,
  view: PartitionView,
): string | null {
  const start = decideStart(position, undefined, view);
  if (start.kind === 'lost') return haltOf('lost_offsets', where, start.why).why;
  const halt = position?.halt;
  return halt === undefined ? null : `halted: ${haltOf(halt.kind, where, halt.cause).why}`;
}

function printPositions(rows: readonly ShownPosition[]): void {
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
