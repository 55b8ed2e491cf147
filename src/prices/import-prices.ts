import { WrongUsageError } from '../errors.ts';
import { type Database, inTransaction } from '../postgres/database.ts';
import { type PricedLine, planImport } from './plan-import.ts';
import { type FileLine, linesOf } from './price-file.ts';
import { readLine } from './read-line.ts';
import { endPrices, insertPrices, readStoredPrices } from './stored-prices.ts';

export interface ImportResult {
  readonly added: number;
  /** Prices that end, or end at another time. */
  readonly ended: number;
  readonly unchanged: number;
}

/**
 * Brings a price file into the ledger: all of its lines, or none.
 *
 * @param file the text of the file
 * @throws {WrongUsageError} naming every line that cannot be imported, and why
 */
export async function importPrices(database: Database, file: string): Promise<ImportResult> {
  const lines = pricedLines(linesOf(file));
  return await inTransaction(database, async (connection) => {
    // Readers go ahead; another import waits.
    await connection.query('LOCK TABLE model_price IN SHARE ROW EXCLUSIVE MODE');
    const plan = planImport(await readStoredPrices(connection), lines);
    refuse(plan.problems);
    const { added, ended, unchanged } = plan;
    // First, so that no two prices apply at one time in between.
    if (ended.length > 0) await endPrices(connection, ended);
    if (added.length > 0) await insertPrices(connection, added);
    return { added: added.length, ended: ended.length, unchanged };
  });
}

function pricedLines(lines: readonly FileLine[]): PricedLine[] {
  const problems: string[] = [];
  const priced: PricedLine[] = [];
  for (const { at, text, problem } of lines) {
    if (problem !== undefined) {
      problems.push(`${at}: ${problem}`);
      continue;
    }
    const { price, problems: found } = readLine(text);
    if (price !== undefined) priced.push({ at, price });
    else problems.push(...found.map((what) => `${at}: ${what}`));
  }
  refuse(problems);
  return priced;
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  throw new WrongUsageError(
    `nothing was imported:\n${problems.map((line) => `  ${line}`).join('\n')}`,
  );
}
