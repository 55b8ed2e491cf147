import { numberArray } from './array-literal.ts';
import type { Batch, OutcomeCounts, RefusedMessage } from './message.ts';
import { refusalOf } from './refusal.ts';
import type { SessionWork } from './session-work.ts';
import type { Queryable } from './statement.ts';
import { readConsumed } from './statements/removed-detail.ts';

/**
 * Settles the events of sessions whose itemised detail was removed from the ledger. Without it nobody
 * can tell whether an event was billed, so none of them is. An offset that was consumed before is a
 * duplicate; any other event becomes a dead letter, for a person to decide.
 *
 * @param works the state of each says that its detail is gone
 */
export async function settleWithoutDetail(
  connection: Queryable,
  { topic, partition, generation }: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  works: readonly SessionWork[],
  counts: OutcomeCounts,
): Promise<RefusedMessage[]> {
  const events = works.flatMap(({ billable }) => billable);
  if (events.length === 0) return [];
  const offsets = numberArray(events.map(({ offset }) => offset));
  const rows = await readConsumed.run(connection, { topic, partition, generation, offsets });
  const consumed = new Set(rows.map(({ kafka_offset }) => Number(kafka_offset)));
  const refused: RefusedMessage[] = [];
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
