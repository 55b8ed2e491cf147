import { CheckFailedError } from '../errors.ts';
import { type Database, readingSnapshot } from '../postgres/database.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Invoice } from './invoice-line.ts';
import { countUndecided, readLaterExport, readOverlapping, readUnpriced } from './statements.ts';

type Exported = Pick<Invoice, 'accountId' | 'from' | 'to'>;

/** @throws {CheckFailedError} when the account used something in the period that has no price */
export async function requirePriced(connection: Queryable, exported: Exported): Promise<void> {
  const unpriced = await sentencesOf(connection, exported);
  if (unpriced.length === 0) return;
  throw new CheckFailedError(
    `nothing that ${exported.accountId} used has a price; import prices first:\n  ${unpriced.join('\n  ')}`,
  );
}

/** What whoever sends an invoice should know of it: a sentence for each. */
export async function remarksOn(
  database: Database,
  invoice: Exported & Pick<Invoice, 'exportId'>,
): Promise<string[]> {
  const { accountId, exportId = '' } = invoice;
  const connection = await readingSnapshot(database);
  try {
    const unpriced = await sentencesOf(connection, invoice);
    const undecided = await undecidedOf(connection, invoice);
    const overlapping = await readOverlapping.run(connection, { ...invoice, exportId });
    const later = await readLaterExport.run(connection, { exportId });
    return [
      ...unpriced,
      ...(unpriced.length > 0 && exportId !== ''
        ? [`after importing their prices: usage-ledger export --since-export ${exportId}`]
        : []),
      ...undecided,
      ...overlapping.map(
        ({ export_id: id, first_day: from, last_day: to }) =>
          `${id} has days of ${accountId}, too: ${from} to ${to}; do not send both`,
      ),
      ...later.map(
        ({ export_id: id }) =>
          `there is a later adjustment: continue with usage-ledger export --since-export ${id}`,
      ),
    ];
  } finally {
    connection.release(true);
  }
}

/** What the account used in the period and no line has, since it has no price. */
async function sentencesOf(
  connection: Queryable,
  { accountId, from, to }: Exported,
): Promise<string[]> {
  const rows = await readUnpriced.run(connection, { accountId, from, to });
  return rows.map(({ usage_type: type, provider, model, dimension, sessions }) => {
    const used = `${dimension} of ${type} ${provider || '(no provider)'} ${model || '(no model)'}`;
    return `no price: ${used}, in ${sessions} ${sessions === 1 ? 'session' : 'sessions'}`;
  });
}

/** What may still become usage of the account in the period, once somebody has decided. */
async function undecidedOf(
  connection: Queryable,
  { accountId, from, to }: Exported,
): Promise<string[]> {
  const [open] = await countUndecided.run(connection, { accountId, from, to });
  const { conflicts = 0, dead_letters: deadLetters = 0 } = open ?? {};
  return [
    ...(conflicts > 0
      ? [
          `open conflicts in sessions of ${accountId} in the period: ${conflicts}; ` +
            'see usage-ledger conflicts list',
        ]
      : []),
    ...(deadLetters > 0
      ? [
          `open dead letters of the period, of any account: ${deadLetters}; ` +
            'see usage-ledger dead-letters list',
        ]
      : []),
  ];
}
