import { acceptConflict, dismissConflict } from '../ledger/accept-conflict.ts';
import { billBoth } from '../ledger/bill-both.ts';
import {
  type ConflictKey,
  type ConflictRow,
  listConflicts,
  readConflicts,
} from '../ledger/statements/conflicts.ts';
import type { Database } from '../postgres/database.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { type Coordinates, collectCoordinates, formatCoordinates, theOne } from './coordinates.ts';
import { parseExactly } from './exact-json.ts';
import { reachDatabase } from './reach-database.ts';
import { alignedTable } from './table.ts';

export function conflictsCommand() {
  const conflicts = command('conflicts', 'decide between two payloads with the same identity');
  conflicts.addCommand(
    command('list', 'list the conflicts that await a decision')
      .option('--session <id>', 'only this session')
      .option('--all', 'include conflicts that were decided', false)
      .option(...JSON_OPTION)
      .action(async (options: { session?: string; all: boolean; json: boolean }) => {
        await withDatabase(async (database) => {
          const filter = { sessionId: options.session ?? null, includeResolved: options.all };
          const rows = await listConflicts.run(database, filter);
          if (options.json) printJson(rows.map(conflictJson));
          else if (rows.length === 0) print('no conflicts');
          else printConflicts(rows);
        });
      }),
  );
  conflicts.addCommand(
    decision(
      'accept',
      'bill the conflicting payload instead; the difference is booked as a correction',
      acceptConflict,
      'accepted',
    ),
  );
  conflicts.addCommand(
    decision('dismiss', 'keep billing the first payload', dismissConflict, 'dismissed'),
  );
  conflicts.addCommand(
    decision(
      'bill-both',
      'bill the conflicting payload as well: these were two emissions under one id',
      billBoth,
      'billed both',
    ),
  );
  return conflicts;
}

function decision(
  name: string,
  about: string,
  decide: (database: Database, key: ConflictKey) => Promise<void>,
  done: string,
) {
  return command(name, about)
    .argument('<topic/partition/offset...>', 'ids, as printed by list', collectCoordinates)
    .option('--session <id>', 'the session, when the id matches conflicts of several')
    .option(...JSON_OPTION)
    .action(async (ids: Coordinates[], { session, json }: { session?: string; json: boolean }) => {
      await withDatabase(async (database) => {
        const decided: object[] = [];
        for (const id of ids) {
          const row = await conflictAt(database, id, session);
          await decide(database, keyOf(row));
          decided.push({ id: formatCoordinates(row), session_id: row.session_id, done });
          if (!json) print(`${formatCoordinates(row)}: ${done}`);
        }
        if (json) printJson(decided);
      });
    });
}

async function conflictAt(
  database: Database,
  id: Coordinates,
  session: string | undefined,
): Promise<ConflictRow> {
  const { topic, partition, offset } = id;
  const rows = await readConflicts.run(database, { topic, partition, offset });
  const wanted = rows.filter((row) => session === undefined || row.session_id === session);
  return theOne(id, wanted, 'conflict');
}

function keyOf(row: ConflictRow): ConflictKey {
  return {
    sessionId: row.session_id,
    topic: row.kafka_topic,
    partition: row.kafka_partition,
    offset: Number(row.kafka_offset),
    generation: row.generation,
  };
}

async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const { settings } = context(['database']);
  const database = await reachDatabase(settings, 2);
  try {
    await work(database);
  } finally {
    await database.end();
  }
}

function conflictJson({
  newest_generation,
  applied_text: applied,
  conflicting_text: conflicting,
  ...row
}: ConflictRow): object {
  const id = formatCoordinates({ ...row, newest_generation });
  return {
    id,
    ...row,
    applied_payload: parseExactly(applied),
    conflicting_payload: parseExactly(conflicting),
    kafka_offset: Number(row.kafka_offset),
  };
}

function printConflicts(rows: readonly ConflictRow[]): void {
  const columns = [
    { title: 'id' },
    { title: 'session' },
    { title: 'metric' },
    { title: 'request' },
    { title: 'differs in (applied → conflicting)' },
    { title: 'decided' },
  ];
  print(
    alignedTable(
      columns,
      rows.map((row) => [
        formatCoordinates(row),
        row.session_id,
        row.metric_type,
        row.request_id ?? '',
        differences(row),
        row.resolution ?? '',
      ]),
    ),
  );
}

/** The fields in which both payloads have a value and the values differ. */
function differences(row: ConflictRow): string {
  const [applied, other] = [parseExactly(row.applied_text), parseExactly(row.conflicting_text)];
  const names = Object.keys(applied).filter(
    (name) => name in other && JSON.stringify(applied[name]) !== JSON.stringify(other[name]),
  );
  if (names.length === 0) return 'no billed field';
  return names
    .map((name) => `${name}: ${JSON.stringify(applied[name])} → ${JSON.stringify(other[name])}`)
    .join(', ');
}
