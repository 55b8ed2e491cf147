import type { Queryable } from '../postgres/statement.ts';

/**
 * Lets the ids of `usage_change` continue above those that the ledger has, after a dump of it was
 * restored into a cluster that counts its transactions from the beginning.
 */
export async function prepareChangeIds(database: Queryable): Promise<void> {
  await database.query('SELECT prepare_usage_change()');
}
