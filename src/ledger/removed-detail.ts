import { int8Array } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch, DeadLetterMessage, OutcomeCounts } from '../records/message.ts';
import { refusalOf } from './rejection.ts';
import type { SessionBatch } from './session-batch.ts';
import { readConsumed } from './statements/removed-detail.ts';

/**
 * Settles the events of sessions whose itemised detail was removed from the ledger. Without it nobody
 * can tell whether an event was billed, so none of them is. An offset that was consumed before is a
 * duplicate; any other event becomes a dead letter, for a person to decide.
 *
 * @param works the state of each says that its detail is gone
 */
export async function classifyWithoutDetail(
  connection: Queryable,
  { topic, partition, generation }: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  works: readonly SessionBatch[],
  counts: OutcomeCounts,
): Promise<DeadLetterMessage[]> {
  const events = works.flatMap(({ billable }) => billable);
  if (events.length === 0) return [];
  const offsets = int8Array(events.map(({ offset }) => offset));
  const rows = await readConsumed.run(connection, { topic, partition, generation, offsets });
  const consumed = new Set(rows.map(({ kafka_offset }) => Number(kafka_offset)));
  const refused: DeadLetterMessage[] = [];
  for (const { sessionId, state, billable } of works) {
    const detail =
      `the itemised detail of session ${sessionId} (month ${state?.period.slice(0, 7)}) was removed ` +
      'from the ledger: it cannot be told whether this event was billed; put the detail back, then redrive';
    for (const event of billable) {
      if (consumed.has(event.offset)) counts.duplicate += 1;
      else refused.push(refusalOf(event, 'rejected_by_database', detail));
    }
  }
  counts.dead_letter += refused.length;
  return refused;
}
