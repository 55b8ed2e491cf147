import { type Database, inTransaction } from '../postgres/database.ts';

/**
 * Makes the partitions of this month and the next three, where they are missing.
 *
 * @returns why some were not made; what belongs there goes to the default partition meanwhile
 */
export async function prepareMonths(database: Database): Promise<string[]> {
  return inTransaction(database, async (connection) => {
    const warnings: string[] = [];
    const note = ({ message }: { message?: string | undefined }) => warnings.push(message ?? '');
    connection.on('notice', note);
    try {
      await connection.query('SET LOCAL client_min_messages = warning');
      await connection.query('SELECT prepare_ledger_partitions()');
      return warnings;
    } finally {
      connection.off('notice', note);
    }
  });
}
