import { readFile } from 'node:fs/promises';
import { CheckFailedError, messageOf, WrongUsageError } from '../errors.ts';
import type { Database } from '../postgres/database.ts';
import { checkPrices, type PriceCheck } from '../prices/check-prices.ts';
import { importPrices } from '../prices/import-prices.ts';
import { PRICE_COLUMNS } from '../prices/price.ts';
import { listPrices, type PriceRow } from '../prices/stored-prices.ts';
import { command, context, JSON_OPTION, print, printJson } from './command.ts';
import { reachDatabase } from './reach-database.ts';
import { alignedTable, grouped } from './table.ts';

interface Options {
  readonly json: boolean;
}

export function pricesCommand() {
  const prices = command('prices', 'what usage costs: import, list and check prices');
  prices.addCommand(
    command('import', 'import a price file, CSV or JSON: all of its lines or none')
      .argument('<file>', `CSV with the header ${PRICE_COLUMNS.join(',')}, or a JSON array`)
      .option(...JSON_OPTION)
      .action(importFile),
  );
  prices.addCommand(
    command('list', 'list the prices')
      .option(...JSON_OPTION)
      .action(list),
  );
  prices.addCommand(
    command('check', 'look for usage without a price; exit 1 if there is some')
      .option(...JSON_OPTION)
      .action(check),
  );
  return prices;
}

async function importFile(path: string, { json }: Options): Promise<void> {
  const file = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new WrongUsageError(`${path}: ${messageOf(error)}`);
  });
  await withDatabase(async (database) => {
    const result = await importPrices(database, file).catch((error: unknown) => {
      if (error instanceof WrongUsageError) throw new WrongUsageError(`${path}: ${error.message}`);
      throw error;
    });
    if (json) printJson(result);
    else print(`${result.added} added, ${result.ended} ended, ${result.unchanged} unchanged`);
  });
}

async function list({ json }: Options): Promise<void> {
  await withDatabase(async (database) => {
    const rows = await listPrices(database);
    if (json) printJson(rows);
    else if (rows.length === 0)
      print('no prices yet; import some: usage-ledger prices import FILE');
    else print(priceTable(rows));
  });
}

async function check({ json }: Options): Promise<void> {
  await withDatabase(async (database) => {
    const found = await checkPrices(database);
    if (json) printJson({ ok: found.unpriced.length === 0, ...found });
    else printCheck(found);
    if (found.unpriced.length > 0) {
      throw new CheckFailedError(
        `usage without a price: ${found.unpriced.length} kinds; import prices for them`,
      );
    }
    if (!json) print('all usage has a price');
  });
}

function printCheck({ unpriced, ambiguous, expired, unused }: PriceCheck): void {
  for (const row of unpriced) {
    const { usage_type, provider, model, dimension, quantity, sessions, first_session } = row;
    print(
      `no price: ${usage_type}, provider ${JSON.stringify(provider)}, model ${JSON.stringify(model)}: ` +
        `${grouped(quantity)} ${dimension} in ${sessions} sessions, such as ${first_session}`,
    );
  }
  for (const { usage_type, provider, model, dimension, currency, used, ignored } of ambiguous) {
    print(
      `two patterns as long as each other: ${usage_type}, provider ${JSON.stringify(provider)}, ` +
        `model ${JSON.stringify(model)}: of ${JSON.stringify(used)} and ${JSON.stringify(ignored)} ` +
        `the first is used for ${dimension} in ${currency}`,
    );
  }
  if (expired.length > 0)
    print(`these prices have ended, and no other follows:\n${priceTable(expired)}`);
  if (unused.length > 0) print(`no usage has taken these prices:\n${priceTable(unused)}`);
}

function priceTable(rows: readonly PriceRow[]): string {
  return alignedTable(
    PRICE_COLUMNS.map((title) => ({ title })),
    rows.map((row) => PRICE_COLUMNS.map((column) => row[column] ?? '')),
  );
}

async function withDatabase(work: (database: Database) => Promise<void>): Promise<void> {
  const { settings } = context(['database']);
  const database = await reachDatabase(settings, 1);
  try {
    await work(database);
  } finally {
    await database.end();
  }
}
