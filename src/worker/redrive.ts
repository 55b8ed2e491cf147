import { AvroDecoder } from '../decode/avro/avro-decoder.ts';
import { schemaIdsOf } from '../decode/avro/decode.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import { messageOf } from '../errors.ts';
import { recordOfDeadLetter } from '../ledger/dead-letter-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { RefusedError } from '../ledger/refused-error.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import { isRejected } from '../postgres/sql-errors.ts';

/** What became of a dead letter that was tried again. */
export type RedriveResult =
  | { readonly outcome: string }
  | { readonly reason: string; readonly detail: string };

/**
 * Tries a dead letter again: with today's schemas, through the same steps as a message. It stays as
 * it is when it is still refused.
 */
export async function redriveDeadLetter(
  ledger: Ledger,
  schemas: SchemaCache,
  row: DeadLetterRow,
  options: { dryRun: boolean },
): Promise<RedriveResult> {
  const record = recordOfDeadLetter(row);
  await schemas.load(schemaIdsOf([record]));
  const decoder = new AvroDecoder(schemas);
  const message = decoder.decodeRecord(record);
  if (message.kind === 'dead_letter') return { reason: message.reason, detail: message.detail };
  const { kafka_topic: topic, kafka_partition: partition, generation } = row;
  const where = { topic, partition, generation };
  try {
    const outcome = await ledger.redrive(where, message, {
      ...options,
      metricOf: (event) => decoder.metricOf(event),
    });
    return { outcome: outcome ?? 'resolved meanwhile' };
  } catch (error) {
    if (error instanceof RefusedError) return { reason: error.reason, detail: error.message };
    if (!isRejected(error)) throw error;
    return { reason: 'rejected_by_database', detail: messageOf(error) };
  }
}
