import { AvroDecoder } from '../decode/avro/avro-decoder.ts';
import { schemaIdsOf } from '../decode/avro/decode.ts';
import { SchemaCache } from '../decode/avro/schema-cache.ts';
import { CheckFailedError } from '../errors.ts';
import { recordOfDeadLetter } from '../ledger/dead-letter-record.ts';
import { Ledger } from '../ledger/ledger.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import { schemaFetcher } from '../registry/schema-fetcher.ts';
import { redriveDeadLetter } from '../worker/redrive.ts';
import { command, context, JSON_OPTION, print, printJson, printResult } from './command.ts';
import { type Coordinates, formatCoordinates, parseCoordinates } from './coordinates.ts';
import {
  chosenDeadLetters,
  deadLetterAt,
  deadLettersOf,
  type FilterOptions,
  filtered,
  filterOf,
  idsOf,
  isFiltered,
} from './dead-letter-choice.ts';
import { discardCommand } from './dead-letters-discard.ts';
import { together } from './reach.ts';
import { reachDatabase } from './reach-database.ts';
import { reachRegistry } from './reach-registry.ts';
import { alignedTable } from './table.ts';

/** Not an outcome: the dead letter stays as it is. */
const REFUSED = 'still refused';
const SESSION_MEMORY_BYTES = 16 * 1_048_576;

export function deadLettersCommand() {
  const deadLetters = command(
    'dead-letters',
    'list, redrive or discard the messages that could not be applied',
  );
  deadLetters.addCommand(
    filtered(command('list', 'dead letters that are open'))
      .option('--all', 'those that were resolved, too', false)
      .option(...JSON_OPTION)
      .action(async (options: FilterOptions & { all: boolean; json: boolean }) => {
        const { settings } = context(['database']);
        const database = await reachDatabase(settings, 1);
        try {
          const rows: DeadLetterRow[] = [];
          for await (const row of deadLettersOf(database, filterOf(options, options.all))) {
            rows.push(row);
          }
          if (options.json) printJson(rows.map(deadLetterJson));
          else if (rows.length === 0) print('no dead letters');
          else printDeadLetters(rows);
        } finally {
          await database.end();
        }
      }),
  );
  deadLetters.addCommand(
    command('show', 'one dead letter: its bytes, and what today’s schemas make of them')
      .argument('<topic/partition/offset>', 'id, as list prints it', parseCoordinates)
      .action(showDeadLetter),
  );
  deadLetters.addCommand(
    filtered(command('redrive', 'decode and apply again, with today’s schemas; safe to repeat'))
      .option('--dry-run', 'change nothing, say what would become of them', false)
      .option(...JSON_OPTION)
      .argument('[topic/partition/offset...]', 'ids; without any, all that the filters let pass')
      .action(redriveDeadLetters),
  );
  deadLetters.addCommand(discardCommand());
  return deadLetters;
}

async function showDeadLetter(id: Coordinates): Promise<void> {
  const { settings } = context(['database', 'registry']);
  const [database] = await together([reachDatabase(settings, 1), reachRegistry(settings)]);
  try {
    const row = await deadLetterAt(database, id);
    const record = recordOfDeadLetter(row);
    const schemas = new SchemaCache(schemaFetcher(settings));
    await schemas.load(schemaIdsOf([record]));
    const { record: _, ...today } = new AvroDecoder(schemas).decodeRecord(record);
    printJson({ ...deadLetterJson(row), today });
  } finally {
    await database.end();
  }
}

async function redriveDeadLetters(
  ids: string[],
  options: FilterOptions & { dryRun: boolean; json: boolean },
): Promise<void> {
  const filter = filterOf(options, false);
  const chosen = idsOf(ids, filter);
  const { settings } = context(['database', 'registry']);
  const [database] = await together([reachDatabase(settings, 3), reachRegistry(settings)]);
  try {
    const ledger = new Ledger(database, { cacheBytes: SESSION_MEMORY_BYTES });
    const schemas = new SchemaCache(schemaFetcher(settings));
    const outcomes = new Map<string, number>();
    const refused: object[] = [];
    const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    const deadLetters =
      chosen.length > 0 ? chosenDeadLetters(database, chosen) : deadLettersOf(database, filter);
    for await (const row of deadLetters) {
      const result = await redriveDeadLetter(ledger, schemas, row, options);
      if ('outcome' in result) note(result.outcome);
      else {
        note(REFUSED);
        const { reason, detail } = result;
        refused.push({ id: formatCoordinates(row), reason, detail });
        if (!options.json) print(`${formatCoordinates(row)}: still ${reason}: ${detail}`);
      }
    }
    if (outcomes.size === 0 && isFiltered(filter)) {
      throw new CheckFailedError('no open dead letter matches the filters');
    }
    const summary = [...outcomes].map(([outcome, count]) => `${count} ${outcome}`).join(', ');
    printResult(
      options.json,
      { dry_run: options.dryRun, outcomes: Object.fromEntries(outcomes), refused },
      `${options.dryRun ? 'would be: ' : ''}${summary === '' ? 'no dead letters' : summary}`,
    );
    if (outcomes.size === 1 && outcomes.has(REFUSED)) {
      throw new CheckFailedError('none could be applied; see: usage-ledger dead-letters list');
    }
  } finally {
    await database.end();
  }
}

function deadLetterJson({ newest_generation, ...row }: DeadLetterRow): object {
  return {
    id: formatCoordinates({ ...row, newest_generation }),
    ...row,
    kafka_offset: Number(row.kafka_offset),
    schema_id: row.schema_id === null ? null : Number(row.schema_id),
    key: row.key?.toString('hex') ?? null,
    value: row.value?.toString('hex') ?? null,
  };
}

function printDeadLetters(rows: readonly DeadLetterRow[]): void {
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
