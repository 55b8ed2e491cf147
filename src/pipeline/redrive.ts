import { schemaIdsOf } from '../decode/decode.ts';
import type { SchemaCache } from '../decode/schema-cache.ts';
import { messageOf } from '../errors.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { recordOfLetter } from '../ledger/letter-record.ts';
import { RefusedError } from '../ledger/refused-error.ts';
import { isRejected } from '../ledger/sql-errors.ts';
import type { LetterRow } from '../ledger/statements/dead-letters.ts';
import { metricOf, prepareCarefully } from './prepare.ts';

/** What became of a dead letter that was tried again. */
export type RedriveResult =
  | { readonly outcome: string }
  | { readonly reason: string; readonly detail: string };

/**
 * Tries a dead letter again: with today's schemas, through the same steps as a message. It stays as
 * it is when it is still refused.
 */
export async function redriveLetter(
  ledger: Ledger,
  schemas: SchemaCache,
  row: LetterRow,
  options: { dryRun: boolean },
): Promise<RedriveResult> {
  const record = recordOfLetter(row);
  await schemas.load(schemaIdsOf([record]));
  const message = prepareCarefully(record, schemas);
  if (message.kind === 'dead_letter') return { reason: message.reason, detail: message.detail };
  const { kafka_topic: topic, kafka_partition: partition, generation } = row;
  const where = { topic, partition, generation };
  try {
    const outcome = await ledger.redrive(where, message, {
      ...options,
      metricOf: (event) => metricOf(event, schemas),
    });
    return { outcome: outcome ?? 'resolved meanwhile' };
  } catch (error) {
    if (error instanceof RefusedError) return { reason: error.reason, detail: error.message };
    if (!isRejected(error)) throw error;
    return { reason: 'rejected_by_database', detail: messageOf(error) };
  }
}
