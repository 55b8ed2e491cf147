import { int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch, BillableMessage } from '../records/message.ts';
import type { SessionBatch } from './session-batch.ts';
import type { SessionState } from './session-cache.ts';
import { readBooked } from './statements/booked-offsets.ts';

/**
 * Finds the messages that were applied, or were duplicates, when their offset was consumed before: they
 * are the same messages, whatever a newer schema or rule reads from them. What such a build makes of
 * their bytes may have another fingerprint, or no identity that the ledger knows.
 *
 * The books are asked when a session has an entry at or after the offset of a message that it does not
 * know, and then about all such messages of the batch: batches of new messages ask nothing. A duplicate
 * after the last entry of its session is found only together with such a message.
 *
 * @param sessions as loaded; those of which nothing is known are new
 */
export async function findBooked(
  connection: Queryable,
  { topic, partition, generation }: Pick<Batch, 'topic' | 'partition' | 'generation'>,
  sessions: readonly SessionBatch[],
): Promise<void> {
  const isUnknown = (message: BillableMessage, state: SessionState) =>
    state.identities.lookup(message) !== 'same';
  const isReadAgain = sessions.some(({ state, billable }) => {
    const [first] = billable;
    // They are in the order of their offsets: of most sessions, all are after the last entry.
    if (state === undefined || first === undefined || first.offset > state.lastOffset) return false;
    return billable.some(
      (message) => message.offset <= state.lastOffset && isUnknown(message, state),
    );
  });
  if (!isReadAgain) return;
  const unknown = sessions.flatMap(({ state, billable }) =>
    state === undefined ? [] : billable.filter((message) => isUnknown(message, state)),
  );
  const rows = await readBooked.run(connection, {
    topic,
    partition,
    generation,
    sessionIds: textArray(unknown.map(({ sessionId }) => sessionId)),
    offsets: int8Array(unknown.map(({ offset }) => offset)),
  });
  const booked = new Set(rows.map(({ kafka_offset }) => Number(kafka_offset)));
  for (const session of sessions) session.booked = booked;
}
