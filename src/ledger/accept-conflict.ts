import { CheckFailedError } from '../errors.ts';
import { type BillableMetric, identify, identityBytes, requestIdOf } from '../identify/identity.ts';
import { billableUsage, COLUMNS_OF } from '../livekit/usage-of.ts';
import { int8Array, textArray } from '../postgres/arrays.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import type { Decimal } from '../postgres/decimal.ts';
import { eventTime } from '../validate/validate.ts';
import { PageWriter } from './page-writer.ts';
import { revisionStep } from './revision.ts';
import { numberNames } from './source-ids.ts';
import {
  type ConflictKey,
  lockConflict,
  netUsage,
  resolveConflict,
  type StoredConflict,
} from './statements/conflicts.ts';
import { insertPages, rowOidOf } from './statements/pages.ts';
import { readSession, touchSessions } from './statements/sessions.ts';
import { addUsage } from './statements/usage.ts';
import { differencesOf, usageParameters } from './usage-difference.ts';

/** Keeps what is billed. */
export async function dismissConflict(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    await lockOpenConflict(connection, key);
    await resolveConflict.run(connection, { ...key, resolution: 'dismissed' });
  });
}

/**
 * Bills the conflicting payload instead of the first one: a correction, at the conflict's offset, adds
 * the signed difference, so that what is billed stays the sum of the ledger.
 */
export async function acceptConflict(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    const conflict = await lockOpenConflict(connection, key);
    const metric = conflict.conflicting_payload as unknown as BillableMetric;
    const usage = billableUsage(metric);
    if (usage === undefined) throw new Error(`a conflict of ${metric.type}, which is not billed`);
    const eventUs = eventTime(metric.timestamp, conflict.recorded_at.getTime());
    const sessionId = conflict.session_id;

    const session = await lockSession(connection, sessionId);
    const identity = identify(metric, session.identityRule);
    const before = await netUsage.run(connection, {
      sessionId,
      identity: identityBytes(identity).subarray(0, 8),
    });
    if (before.length === 0) {
      throw new CheckFailedError(
        `the itemised detail of session ${sessionId} was removed from the ledger, and with it the ` +
          'event that was billed first; restore the detail, or dismiss the conflict',
      );
    }
    const differences = differencesOf(metric, usage, before);
    const names = await numberNames(connection, differences);
    const { topic, partition, offset } = key;
    const entries = differences.map((difference) => ({
      ...identity,
      metricType: metric.type,
      provider: difference.provider,
      model: difference.model,
      requestId: requestIdOf(metric),
      eventUs,
      offset,
      values: COLUMNS_OF[metric.type].map((name) => pageValue(difference.usage[name])),
      valuesFrom: 0,
    }));
    const idOf = ({ provider, model }: (typeof entries)[number]) => {
      const found = names.find((name) => name.provider === provider && name.model === model);
      if (found === undefined) throw new Error(`${provider}/${model} was not numbered`);
      return found.id;
    };
    const where = { topic, partition, isCorrection: true };
    const pages = new PageWriter(await rowOidOf(connection), where, idOf, entries.length);
    pages.add(sessionId, session, entries);
    const rows = pages.finish();
    if (rows !== undefined) await insertPages.run(connection, { rows });
    await addUsage.run(connection, usageParameters(sessionId, differences, eventUs));
    await resolveConflict.run(connection, { ...key, resolution: 'accepted' });
  });
}

async function lockOpenConflict(connection: Connection, key: ConflictKey): Promise<StoredConflict> {
  const [conflict] = await lockConflict.run(connection, key);
  const name = `${key.topic}/${key.partition}/${key.offset}`;
  if (conflict === undefined) throw new CheckFailedError(`there is no conflict ${name}`);
  if (conflict.resolved_at !== null) {
    const when = conflict.resolved_at.toISOString();
    throw new CheckFailedError(`conflict ${name} was ${conflict.resolution} at ${when}`);
  }
  return conflict;
}

/** Locks the session as a batch does: its new revision makes the caches of all workers stale. */
async function lockSession(connection: Connection, sessionId: string) {
  const [known] = await readSession.run(connection, { sessionId });
  if (known === undefined) throw new Error(`session ${sessionId} does not exist`);
  const [row] = await touchSessions.run(connection, {
    sessionIds: textArray([sessionId]),
    accountIds: textArray([null]),
    attributes: textArray(['{}']),
    firstUs: int8Array([known.first_us]),
    lastUs: int8Array([known.last_us]),
    step: revisionStep(),
  });
  if (row === undefined) throw new Error(`session ${sessionId} was not locked`);
  const { revision, period } = row;
  return { revision: BigInt(revision), period, identityRule: known.identity_rule };
}

/** Zero as the number: the page writer leaves it out. */
function pageValue(sum: Decimal): number | string {
  const text = sum.toString();
  return text === '0' ? 0 : text;
}
