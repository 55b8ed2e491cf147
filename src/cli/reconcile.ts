import { printableJson } from '../config/printable.ts';
import { CheckFailedError } from '../errors.ts';
import type { Difference } from '../reconcile/difference.ts';
import { REASONS, type Reason } from '../reconcile/reasons.ts';
import { type Coverage, type ExplainedDifference, reconcile } from '../reconcile/reconcile.ts';
import { command, context, JSON_OPTION, print, printAll } from './command.ts';
import { reachDatabase } from './reach-database.ts';
import { jsonValue } from './report.ts';
import { alignedTable, grouped } from './table.ts';

export function reconcileCommand() {
  return command(
    'reconcile',
    'compare the ledger with what the agents counted; exit 1 on differences',
  )
    .option('--session <id>', 'only this session')
    .option(...JSON_OPTION)
    .action(async ({ session, json }: { session?: string; json: boolean }) => {
      const { settings } = context(['database']);
      const database = await reachDatabase(settings, 1);
      try {
        const { coverage, differences } = await reconcile(database, session);
        const differing = new Set<string>();
        const noted = noting(differences, differing);
        if (json) await printAll(jsonOf(noted, coverage, differing));
        else await printTable(noted);
        if (differing.size > 0) {
          throw new CheckFailedError(
            `${sessions(differing.size)} of ${coverage.compared} with a report ` +
              `${differing.size === 1 ? 'differs' : 'differ'} from it; ` +
              'docs/reconciliation.md has the known reasons',
          );
        }
        if (session !== undefined && coverage.compared === 0) {
          throw new CheckFailedError(`session ${session} has not reported its usage`);
        }
        if (!json) print(agreement(coverage));
      } finally {
        await database.end();
      }
    });
}

/** What is to be said when nothing differs. */
export function agreement({ compared, withoutReport }: Coverage): string {
  const others =
    withoutReport === 0 ? '' : `; ${sessions(withoutReport)} with usage did not report any`;
  if (compared === 0) return `no session has reported its usage${others}`;
  return compared === 1
    ? `the only session with a report agrees with it${others}`
    : `all ${grouped(compared)} sessions with a report agree with it${others}`;
}

const sessions = (count: number) => (count === 1 ? '1 session' : `${grouped(count)} sessions`);

/** The sessions that differ, so far. */
async function* noting(
  differences: AsyncIterable<ExplainedDifference>,
  differing: Set<string>,
): AsyncGenerator<ExplainedDifference> {
  for await (const difference of differences) {
    differing.add(difference.session_id);
    yield difference;
  }
}

async function printTable(differences: AsyncIterable<ExplainedDifference>): Promise<void> {
  const lines: string[][] = [];
  const seen = new Set<Reason>();
  for await (const difference of differences) {
    for (const reason of difference.reasons) seen.add(reason);
    lines.push(lineOf(difference));
  }
  if (lines.length === 0) return;
  const right = (title: string) => ({ title, align: 'right' as const });
  const left = ['session', 'kind', 'provider', 'model', 'column'].map((title) => ({ title }));
  const numbers = [right('reported'), right('recorded'), right('difference')];
  print(alignedTable([...left, ...numbers, { title: 'possible reasons' }], lines));
  print('');
  for (const reason of seen) print(`${reason}: ${REASONS[reason]}`);
}

function lineOf(row: ExplainedDifference): string[] {
  const { session_id, usage_type, provider, model, dimension, reasons } = row;
  const sign = row.difference.startsWith('-') ? '' : '+';
  return [
    session_id,
    usage_type.replace('_usage', ''),
    provider,
    model,
    dimension,
    grouped(row.reported),
    grouped(row.recorded),
    `${sign}${grouped(row.difference)}`,
    reasons.join(', '),
  ];
}

async function* jsonOf(
  differences: AsyncIterable<ExplainedDifference>,
  { compared, withoutReport }: Coverage,
  differing: ReadonlySet<string>,
): AsyncGenerator<string> {
  yield `{\n  "sessions_compared": ${compared},\n  "sessions_without_report": ${withoutReport},\n  "differences": [`;
  let separator = '';
  for await (const row of differences) {
    yield printableJson(`${separator}\n    {${fieldsOf(row).join(', ')}}`);
    separator = ',';
  }
  const end = separator === '' ? ']' : '\n  ]';
  yield `${end},\n  "sessions_that_differ": ${differing.size},\n  "ok": ${differing.size === 0}\n}\n`;
}

const TEXTS = ['session_id', 'usage_type', 'provider', 'model', 'dimension'] as const;
const NUMBERS = ['reported', 'recorded', 'difference'] as const;

function fieldsOf(row: ExplainedDifference): string[] {
  const number = (name: keyof Difference) => jsonValue(row.dimension, row[name]);
  return [
    ...TEXTS.map((name) => `"${name}": ${JSON.stringify(row[name])}`),
    ...NUMBERS.map((name) => `"${name}": ${number(name)}`),
    `"reasons": ${JSON.stringify(row.reasons)}`,
  ];
}
