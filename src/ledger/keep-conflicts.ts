import { identityBytes } from '../identify/identity.ts';
import { int8Array, textArray } from '../postgres/arrays.ts';
import type { Queryable } from '../postgres/statement.ts';
import type { Batch, BillableMessage } from '../records/message.ts';
import { entryPayload, metricPayload } from './payload.ts';
import type { SessionBatch } from './session-batch.ts';
import { insertConflicts } from './statements/conflicts.ts';
import { readEntries } from './statements/pages.ts';

interface Conflict {
  readonly message: BillableMessage;
  /** `undefined`: it is in the ledger since an earlier batch. */
  applied: string | undefined;
}

/** Keeps the conflicts of a batch, each with the payload that was applied and the other one. */
export async function keepConflicts(
  connection: Queryable,
  batch: Pick<Batch, 'topic' | 'partition' | 'generation' | 'metricOf'>,
  sessions: readonly SessionBatch[],
): Promise<void> {
  const { topic, partition, generation, metricOf } = batch;
  const conflicts = conflictsOf(sessions, metricOf);
  if (conflicts.length === 0) return;
  await loadApplied(
    connection,
    conflicts.filter(({ applied }) => applied === undefined),
  );
  const messages = conflicts.map(({ message }) => message);
  await insertConflicts.run(connection, {
    topic,
    partition,
    generation,
    sessionIds: textArray(messages.map(({ sessionId }) => sessionId)),
    offsets: int8Array(messages.map(({ offset }) => offset)),
    metricTypes: textArray(messages.map(({ metricType }) => metricType)),
    requestIds: textArray(messages.map(({ requestId }) => requestId)),
    appliedPayloads: textArray(conflicts.map(({ applied }) => applied ?? '{}')),
    conflictingPayloads: textArray(messages.map((message) => metricPayload(metricOf(message)))),
  });
}

function conflictsOf(sessions: readonly SessionBatch[], metricOf: Batch['metricOf']): Conflict[] {
  const conflicts: Conflict[] = [];
  for (const { outcomes } of sessions) {
    if (outcomes === undefined || outcomes.conflicting.length === 0) continue;
    const fresh = new Map(outcomes.fresh.map((message) => [identityOf(message), message]));
    for (const message of outcomes.conflicting) {
      const first = fresh.get(identityOf(message));
      conflicts.push({ message, applied: first && metricPayload(metricOf(first)) });
    }
  }
  return conflicts;
}

/** Fills in the payloads that earlier batches applied. */
async function loadApplied(connection: Queryable, conflicts: readonly Conflict[]): Promise<void> {
  const messages = conflicts.map(({ message }) => message);
  const rows = await readEntries.run(connection, {
    sessionIds: textArray(messages.map(({ sessionId }) => sessionId)),
    identities: textArray(messages.map(identityOf)),
  });
  const keyOf = (sessionId: string, identity: string) => `${identity} ${sessionId}`;
  const entries = new Map(rows.map((row) => [keyOf(row.session_id, row.identity), row.entry]));
  for (const conflict of conflicts) {
    const { message } = conflict;
    const entry = entries.get(keyOf(message.sessionId, identityOf(message)));
    if (entry !== undefined) conflict.applied = entryPayload(entry);
  }
}

/** As the statement returns it: 16 hexadecimal digits. */
function identityOf(message: BillableMessage): string {
  return identityBytes(message).toString('hex', 0, 8);
}
