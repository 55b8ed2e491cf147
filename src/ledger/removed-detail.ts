import { int8Array } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch, DeadLetterMessage } from '../records/message.ts';
import { deadLetterOf } from './dead-letter.ts';
import type { SessionBatch } from './session-batch.ts';
import { readConsumed } from './statements/booked-offsets.ts';

/**
 * Classifies the messages of sessions whose itemised detail was removed from the ledger. Whether an
 * event was billed cannot be found out, so none is applied. An offset that was consumed before is a
 * duplicate; any other becomes a dead letter, for a person to decide.
 *
 * @param sessions of which the state says that the detail is missing
 */
export async function classifyWithoutDetail(
  connection: Queryable,
  { topic, partition, generation }: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  sessions: readonly SessionBatch[],
): Promise<DeadLetterMessage[]> {
  if (sessions.length === 0) return [];
  const offsets = int8Array(
    sessions.flatMap(({ billable }) => billable.map(({ offset }) => offset)),
  );
  const rows = await readConsumed.run(connection, { topic, partition, generation, offsets });
  const consumed = new Set(rows.map(({ kafka_offset }) => Number(kafka_offset)));
  const deadLetters: DeadLetterMessage[] = [];
  for (const session of sessions) {
    const { sessionId, state, billable } = session;
    const month = state?.period.slice(0, 7);
    const detail =
      `the itemised detail of session ${sessionId} (month ${month}) was removed from the ledger, so ` +
      'that this event may have been billed already; restore the detail, then redrive';
    const unknown = billable.filter(({ offset }) => !consumed.has(offset));
    for (const message of unknown) {
      deadLetters.push(deadLetterOf(message, 'rejected_by_database', detail));
    }
    const duplicates = billable.length - unknown.length;
    session.outcomes = { fresh: [], conflicting: [], duplicates };
  }
  return deadLetters;
}
