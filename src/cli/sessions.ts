import { setAccount } from '../ledger/set-account.ts';
import type { AccountChangeRow } from '../ledger/statements/session-changes.ts';
import type { Database } from '../postgres/database.ts';
import { type ReportRow, usageRows } from '../report/usage-report.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { reachDatabase } from './reach-database.ts';
import { jsonRow, reportLine, usageTable } from './report.ts';

interface SetAccountOptions {
  session: string;
  account: string;
  reason?: string;
  json: boolean;
}

export function sessionsCommand() {
  const sessions = command('sessions', 'put right what is kept of sessions');
  sessions.addCommand(
    command('set-account', 'bill a session to another account; recorded')
      .requiredOption('--session <id>', 'the session')
      .requiredOption('--account <id>', 'the account that it is billed to from now on')
      .option('--reason <text>', 'why, kept with the decision')
      .option(...JSON_OPTION)
      .action(async (options: SetAccountOptions) => {
        const { settings } = context(['database']);
        const database = await reachDatabase(settings, 2);
        try {
          await setAndPrint(database, options);
        } finally {
          await database.end();
        }
      }),
  );
  return sessions;
}

async function setAndPrint(
  database: Database,
  { session, account, reason, json }: SetAccountOptions,
): Promise<void> {
  const change = await setAccount(database, session, account, reason ?? null);
  const rows: ReportRow[] = [];
  for await (const row of usageRows(database, session)) rows.push(row);
  if (json) {
    const before = change === undefined ? account : change.account_before;
    printJson({
      session_id: session,
      changed: change !== undefined,
      account_before: before,
      account_after: account,
      changed_at: change?.changed_at ?? null,
      reason: change?.reason ?? null,
      decided_by: change?.decided_by ?? null,
      usage: rows.map(jsonRow),
    });
    return;
  }
  print(sentence(session, account, change, rows.length));
  if (rows.length > 0) print(usageTable(rows.map(reportLine)));
}

function sentence(
  session: string,
  account: string,
  change: AccountChangeRow | undefined,
  rows: number,
): string {
  if (change === undefined) return `${session}: the account is ${account} already`;
  const before = change.account_before ?? 'none';
  const affected = rows === 1 ? '1 row of usage is' : `${rows} rows of usage are`;
  return `${session}: account ${before} → ${account}; ${affected} affected`;
}
