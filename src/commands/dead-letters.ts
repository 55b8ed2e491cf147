import { Option } from 'commander';
import { schemaIdsOf } from '../decode/decode.ts';
import { SchemaCache } from '../decode/schema-cache.ts';
import { CheckFailedError } from '../errors.ts';
import type { Database } from '../ledger/database.ts';
import { Ledger } from '../ledger/ledger.ts';
import { recordOfLetter } from '../ledger/letter-record.ts';
import {
  type LetterFilter,
  type LetterRow,
  listDeadLetters,
  readDeadLetter,
} from '../ledger/statements/dead-letters.ts';
import { prepareCarefully } from '../pipeline/prepare.ts';
import { redriveLetter } from '../pipeline/redrive.ts';
import { schemaFetcher } from '../registry/schema-registry.ts';
import { command, context, print, printJson } from './command.ts';
import { type Coordinates, formatCoordinates, parseCoordinates } from './coordinates.ts';
import { reachDatabase, reachRegistry, together } from './dependencies.ts';
import { time } from './options.ts';
import { alignedTable } from './table.ts';

const REASONS = [
  'not_avro_framed',
  'unknown_schema',
  'undecodable',
  'unknown_metric_type',
  'missing_session_id',
  'invalid_value',
  'rejected_by_database',
];
const PAGE = 1_000;
const SESSION_MEMORY_BYTES = 16 * 1_048_576;

interface FilterOptions {
  reason?: string;
  topic?: string;
  since?: Date;
  until?: Date;
}

export function deadLettersCommand() {
  const letters = command('dead-letters', 'what could not be applied, why, and another try');
  letters.addCommand(
    filtered(command('list', 'dead letters that are open'))
      .option('--all', 'those that were resolved, too', false)
      .option('--json', 'print JSON and nothing else', false)
      .action(async (options: FilterOptions & { all: boolean; json: boolean }) => {
        const { settings } = context(['database']);
        const database = await reachDatabase(settings, 1);
        try {
          const rows: LetterRow[] = [];
          for await (const row of lettersOf(database, filterOf(options, options.all))) {
            rows.push(row);
          }
          if (options.json) printJson(rows.map(letterJson));
          else if (rows.length === 0) print('no dead letters');
          else printLetters(rows);
        } finally {
          await database.end();
        }
      }),
  );
  letters.addCommand(
    command('show', 'one dead letter: its bytes, and what today’s schemas make of them')
      .argument('<topic/partition/offset>', 'id, as list prints it', parseCoordinates)
      .action(showLetter),
  );
  letters.addCommand(
    filtered(command('redrive', 'decode and apply again, with today’s schemas; safe to repeat'))
      .option('--dry-run', 'change nothing, say what would become of them', false)
      .argument('[topic/partition/offset...]', 'ids; without any, all that the filters let pass')
      .action(redriveLetters),
  );
  return letters;
}

function filtered<T extends ReturnType<typeof command>>(to: T): T {
  to.addOption(new Option('--reason <reason>', 'only with this reason').choices(REASONS));
  to.option('--topic <topic>', 'only from this topic');
  to.option('--since <time>', 'only recorded at or after this time (ISO 8601)', time);
  to.option('--until <time>', 'only recorded before this time (ISO 8601)', time);
  return to;
}

function filterOf(options: FilterOptions, includeResolved: boolean): LetterFilter {
  return {
    reason: options.reason ?? null,
    topic: options.topic ?? null,
    since: options.since?.toISOString() ?? null,
    until: options.until?.toISOString() ?? null,
    includeResolved,
  };
}

async function* lettersOf(database: Database, filter: LetterFilter): AsyncGenerator<LetterRow> {
  let after = { afterTopic: '', afterPartition: -1, afterOffset: -1 };
  for (;;) {
    const rows = await listDeadLetters.run(database, { ...filter, ...after, most: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = {
      afterTopic: last.kafka_topic,
      afterPartition: last.kafka_partition,
      afterOffset: Number(last.kafka_offset),
    };
  }
}

async function showLetter(id: Coordinates): Promise<void> {
  const { settings } = context(['database', 'registry']);
  const [database, registry] = await together([
    reachDatabase(settings, 1),
    reachRegistry(settings),
  ]);
  try {
    const [row] = await readDeadLetter.run(database, id);
    if (row === undefined) throw new CheckFailedError('there is no such dead letter');
    const record = recordOfLetter(row);
    const schemas = new SchemaCache(schemaFetcher(registry));
    await schemas.load(schemaIdsOf([record]));
    const { record: _, ...today } = prepareCarefully(record, schemas);
    printJson({ ...letterJson(row), today });
  } finally {
    await database.end();
  }
}

async function redriveLetters(
  ids: string[],
  options: FilterOptions & { dryRun: boolean },
): Promise<void> {
  const filter = filterOf(options, false);
  const chosen = ids.map(parseCoordinates);
  const { settings } = context(['database', 'registry']);
  const [database, registry] = await together([
    reachDatabase(settings, 3),
    reachRegistry(settings),
  ]);
  try {
    const ledger = new Ledger(database, { cacheBytes: SESSION_MEMORY_BYTES });
    const schemas = new SchemaCache(schemaFetcher(registry));
    const outcomes = new Map<string, number>();
    const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const letters =
      chosen.length > 0 ? chosenLetters(database, chosen) : lettersOf(database, filter);
    for await (const row of letters) {
      const result = await redriveLetter(ledger, schemas, row, options);
      if ('outcome' in result) note(result.outcome);
      else {
        note('still refused');
        print(`${formatCoordinates(row)}: still ${result.reason}: ${result.detail}`);
      }
    }
    const summary = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    print(`${options.dryRun ? 'would be: ' : ''}${summary === '' ? 'no dead letters' : summary}`);
  } finally {
    await database.end();
  }
}

async function* chosenLetters(
  database: Database,
  ids: readonly Coordinates[],
): AsyncGenerator<LetterRow> {
  for (const id of ids) {
    const [row] = await readDeadLetter.run(database, id);
    if (row === undefined) {
      throw new CheckFailedError(`no dead letter ${id.topic}/${id.partition}/${id.offset}`);
    }
    if (row.resolved_at === null) yield row;
    else print(`${formatCoordinates(row)}: was resolved before (${row.resolution})`);
  }
}

function letterJson(row: LetterRow): object {
  return {
    id: formatCoordinates(row),
    ...row,
    kafka_offset: Number(row.kafka_offset),
    schema_id: row.schema_id === null ? null : Number(row.schema_id),
    key: row.key?.toString('hex') ?? null,
    value: row.value?.toString('hex') ?? null,
  };
}

function printLetters(rows: readonly LetterRow[]): void {
  const columns = [
    { title: 'id' },
    { title: 'recorded' },
    { title: 'reason' },
    { title: 'bytes', align: 'right' as const },
    { title: 'detail' },
  ];
  print(
    alignedTable(
      columns,
      rows.map((row) => [
        formatCoordinates(row),
        row.recorded_at.toISOString(),
        row.resolved_at === null ? row.reason : `${row.reason}, ${row.resolution}`,
        String(row.value?.length ?? 0),
        row.copy_error === null ? row.detail : `${row.detail}; not copied: ${row.copy_error}`,
      ]),
    ),
  );
}
