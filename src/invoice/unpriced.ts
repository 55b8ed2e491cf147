import { type Database, inTransaction } from '../postgres/database.ts';
import type { Invoice } from './invoice-line.ts';
import { readUnpriced } from './statements.ts';

/** What the account used in the period and no line has, since it has no price: a sentence for each. */
export async function unpricedOf(
  database: Database,
  { accountId, from, to }: Pick<Invoice, 'accountId' | 'from' | 'to'>,
): Promise<string[]> {
  const rows = await inTransaction(database, (connection) =>
    readUnpriced.run(connection, { accountId, from, to }),
  );
  return rows.map(({ usage_type: type, provider, model, dimension, sessions }) => {
    const used = `${dimension} of ${type} ${provider || '(no provider)'} ${model || '(no model)'}`;
    return `no price: ${used}, in ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
  });
}
