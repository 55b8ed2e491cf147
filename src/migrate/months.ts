import { type Database, inTransaction } from '../postgres/database.ts';

/**
 * Creates the partitions of this month and the next three, where they are missing.
 *
 * @returns why some could not be created; their rows go to the default partition
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
