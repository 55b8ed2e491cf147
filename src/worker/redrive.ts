import { AvroDecoder } from '../decode/avro/avro-decoder.ts';
import { schemaIdsOf } from '../decode/avro/decode.ts';
import type { SchemaCache } from '../decode/avro/schema-cache.ts';
import { messageOf } from '../errors.ts';
import { recordOfDeadLetter } from '../ledger/dead-letter-record.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { DeadLetterRow } from '../ledger/statements/dead-letters.ts';
import { isRefusedByPostgres } from '../postgres/errors.ts';

/** What became of a dead letter that was redriven. */
export type RedriveResult =
  | { readonly outcome: string }
  | { readonly reason: string; readonly detail: string };

/**
 * Applies a dead letter again, with today's schemas and through the steps of any message. It stays a
 * dead letter, unchanged, when it still cannot be applied.
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
    const result = await ledger.redrive(where, message, {
      ...options,
      metricOf: (event) => decoder.metricOf(event),
    });
    if (result.status === 'dead_letter') {
      const { reason, detail } = result.deadLetter;
      return { reason, detail };
    }
    return { outcome: result.status === 'resolved' ? result.outcome : 'resolved meanwhile' };
  } catch (error) {
    if (!isRefusedByPostgres(error)) throw error;
    return { reason: 'rejected_by_database', detail: messageOf(error) };
  }
}
