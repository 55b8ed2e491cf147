import { Option } from 'commander';
import { WrongUsageError } from '../errors.ts';
import {
  type DeadLetterFilter,
  type DeadLetterRow,
  listDeadLetters,
  readDeadLetters,
} from '../ledger/statements/dead-letters.ts';
import type { Database } from '../postgres/database.ts';
import { DEAD_LETTER_REASONS } from '../records/message.ts';
import { type command, print } from './command.ts';
import { type Coordinates, formatCoordinates, parseCoordinates, theOne } from './coordinates.ts';
import { requireRange, time, wholeNumber } from './options.ts';

const PAGE = 1_000;

export interface FilterOptions {
  reason?: string;
  topic?: string;
  partition?: number;
  since?: Date;
  until?: Date;
}

export function filtered<T extends ReturnType<typeof command>>(to: T): T {
  const reason = new Option('--reason <reason>', 'only with this reason');
  to.addOption(reason.choices(DEAD_LETTER_REASONS));
  to.option('--topic <topic>', 'only from this topic');
  to.option('--partition <n>', 'only from this partition', wholeNumber(0, 0x7fff_ffff));
  to.option('--since <time>', 'only recorded at or after this time (ISO 8601)', time);
  to.option('--until <time>', 'only recorded before this time (ISO 8601)', time);
  return to;
}

export function filterOf(options: FilterOptions, includeResolved: boolean): DeadLetterFilter {
  requireRange(options.since, options.until);
  return {
    reason: options.reason ?? null,
    topic: options.topic ?? null,
    partition: options.partition ?? null,
    since: options.since?.toISOString() ?? null,
    until: options.until?.toISOString() ?? null,
    includeResolved,
  };
}

/** Whether any filter is set. */
export function isFiltered({ includeResolved: _, ...filters }: DeadLetterFilter): boolean {
  return Object.values(filters).some((value) => value !== null);
}

/** @throws {WrongUsageError} when both ids and filters are given */
export function idsOf(ids: readonly string[], filter: DeadLetterFilter): Coordinates[] {
  if (ids.length > 0 && isFiltered(filter)) {
    throw new WrongUsageError(
      'dead letters are selected by ids or by filters; pass one of the two',
    );
  }
  return ids.map(parseCoordinates);
}

export async function* deadLettersOf(
  database: Database,
  filter: DeadLetterFilter,
): AsyncGenerator<DeadLetterRow> {
  let after = { afterTopic: '', afterPartition: -1, afterGeneration: -1, afterOffset: -1 };
  for (;;) {
    const rows = await listDeadLetters.run(database, { ...filter, ...after, most: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = {
      afterTopic: last.kafka_topic,
      afterPartition: last.kafka_partition,
      afterGeneration: last.generation,
      afterOffset: Number(last.kafka_offset),
    };
  }
}

export async function* chosenDeadLetters(
  database: Database,
  ids: readonly Coordinates[],
): AsyncGenerator<DeadLetterRow> {
  for (const id of ids) {
    const row = await deadLetterAt(database, id);
    if (row.resolved_at === null) yield row;
    else print(`${formatCoordinates(row)}: already resolved (${row.resolution})`);
  }
}

export async function deadLetterAt(database: Database, id: Coordinates): Promise<DeadLetterRow> {
  const { topic, partition, offset } = id;
  const rows = await readDeadLetters.run(database, { topic, partition, offset });
  return theOne(id, rows, 'dead letter');
}
