import { CheckFailedError } from '../errors.ts';
import { type BillableMetric, identify, identityBytes, requestIdOf } from '../identify/identity.ts';
import {
  COUNT_COLUMNS,
  DURATION_COLUMNS,
  USAGE_COLUMNS,
  type UsageColumn,
  type UsageType,
} from '../livekit/usage-columns.ts';
import { type BillableUsage, billableUsage, COLUMNS_OF } from '../livekit/usage-of.ts';
import { int8Array, numericArray, textArray } from '../postgres/arrays.ts';
import { type Connection, type Database, inTransaction } from '../postgres/database.ts';
import { Decimal } from '../postgres/decimal.ts';
import { eventTime } from '../validate/validate.ts';
import { PageWriter } from './page-writer.ts';
import { revisionStep } from './revision.ts';
import {
  type ConflictKey,
  lockConflict,
  netUsage,
  resolveConflict,
  type StoredConflict,
} from './statements/conflicts.ts';
import { insertPages, rowOidOf } from './statements/pages.ts';
import { touchSessions } from './statements/sessions.ts';
import { addSources, readSources } from './statements/sources.ts';
import { addUsage } from './statements/usage.ts';

/** A signed difference to what is billed under one name. */
interface Difference {
  readonly metricType: BillableMetric['type'];
  readonly usageType: UsageType;
  readonly provider: string;
  readonly model: string;
  /** Exact decimals, one for each usage column. */
  readonly usage: Record<UsageColumn, Decimal>;
}

/** Leaves what is billed as it is. */
export async function dismissConflict(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    await openConflict(connection, key);
    await resolveConflict.run(connection, { ...key, resolution: 'dismissed' });
  });
}

/**
 * Bills the conflicting payload instead of the one before: the difference is booked as a correction,
 * signed, at the conflict's offset, so that the sums over the ledger stay what is billed.
 */
export async function acceptConflict(database: Database, key: ConflictKey): Promise<void> {
  await inTransaction(database, async (connection) => {
    const conflict = await openConflict(connection, key);
    const metric = conflict.conflicting_payload as unknown as BillableMetric;
    const usage = billableUsage(metric);
    if (usage === undefined)
      throw new Error(`a conflict about ${metric.type}, which is not billed`);
    const eventUs = eventTime(metric.timestamp, conflict.recorded_at.getTime());
    const sessionId = conflict.session_id;

    const session = await lockSession(connection, sessionId);
    const identity = identify(metric, session.identityRule);
    const before = await netUsage.run(connection, {
      sessionId,
      identity: identityBytes(identity).subarray(0, 8),
    });
    if (before.length === 0) {
      const what = `the event that was billed first is not in the ledger: the detail of session ${sessionId}`;
      throw new CheckFailedError(`${what} was removed; put it back, or dismiss the conflict`);
    }
    const differences = differencesOf(metric, usage, before);
    const sourceIds = await sourceIdsOf(connection, differences);
    const { topic, partition, offset } = key;
    const where = { topic, partition, isCorrection: true };
    const entries = differences.map((difference) => ({
      ...identity,
      metricType: metric.type,
      provider: difference.provider,
      model: difference.model,
      requestId: requestIdOf(metric),
      eventUs,
      offset,
      values: COLUMNS_OF[metric.type].map((name) => exact(difference.usage[name])),
      valuesFrom: 0,
    }));
    const idOf = (entry: (typeof entries)[number]) => sourceIds(entry.provider, entry.model);
    const pages = new PageWriter(await rowOidOf(connection), where, idOf, entries.length);
    pages.add(sessionId, session, entries);
    const rows = pages.finish();
    if (rows !== undefined) await insertPages.run(connection, { rows });
    await addUsage.run(connection, usageParameters(sessionId, differences, eventUs));
    await resolveConflict.run(connection, { ...key, resolution: 'accepted' });
  });
}

async function openConflict(connection: Connection, key: ConflictKey): Promise<StoredConflict> {
  const [conflict] = await lockConflict.run(connection, key);
  const name = `${key.topic}/${key.partition}/${key.offset}`;
  if (conflict === undefined) throw new CheckFailedError(`there is no conflict ${name}`);
  if (conflict.resolved_at !== null) {
    const when = conflict.resolved_at.toISOString();
    throw new CheckFailedError(`conflict ${name} was ${conflict.resolution} at ${when}`);
  }
  return conflict;
}

/** The session is locked as a batch locks it, so that its revision tells every worker. */
async function lockSession(connection: Connection, sessionId: string) {
  const { rows } = await connection.query<{
    first_us: string;
    last_us: string;
    identity_rule: number;
  }>(
    `SELECT (extract(epoch FROM first_event_at) * 1000000)::bigint AS first_us,
      (extract(epoch FROM last_event_at) * 1000000)::bigint AS last_us, identity_rule
      FROM session WHERE session_id = $1`,
    [sessionId],
  );
  const known = rows[0];
  if (known === undefined) throw new Error(`session ${sessionId} is not known`);
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

function differencesOf(
  metric: BillableMetric,
  usage: BillableUsage,
  before: readonly ({ provider: string; model: string } & Record<UsageColumn, string>)[],
): Difference[] {
  const { usageType } = usage;
  const metricType = metric.type;
  const differences: Difference[] = [];
  const under = (provider: string, model: string): Difference => {
    const known = differences.find((other) => other.provider === provider && other.model === model);
    if (known !== undefined) return known;
    const made = { metricType, usageType, provider, model, usage: zeros() };
    differences.push(made);
    return made;
  };
  for (const row of before) {
    const difference = under(row.provider, row.model);
    for (const name of USAGE_COLUMNS) {
      const text = row[name];
      difference.usage[name].addText(text.startsWith('-') ? text.slice(1) : `-${text}`);
    }
  }
  const difference = under(usage.provider, usage.model);
  for (const name of USAGE_COLUMNS) {
    difference.usage[name].add(usage[name]);
  }
  return differences;
}

function zeros(): Record<UsageColumn, Decimal> {
  const columns = USAGE_COLUMNS.map((name) => [name, new Decimal()]);
  return Object.fromEntries(columns) as Record<UsageColumn, Decimal>;
}

/** A sum that is zero as the number, so that it is told from the others. */
function exact(sum: Decimal): number | string {
  const text = sum.toString();
  return text === '0' ? 0 : text;
}

async function sourceIdsOf(connection: Connection, differences: readonly Difference[]) {
  const names = {
    metricTypes: textArray(differences.map(({ metricType }) => metricType)),
    providers: textArray(differences.map(({ provider }) => provider)),
    models: textArray(differences.map(({ model }) => model)),
  };
  await addSources.run(connection, names);
  const rows = await readSources.run(connection, names);
  return (provider: string, model: string): number => {
    const row = rows.find((other) => other.provider === provider && other.model === model);
    if (row === undefined) throw new Error('a name that was just added is not there');
    return row.source_id;
  };
}

function usageParameters(sessionId: string, differences: readonly Difference[], eventUs: number) {
  const columns = {} as Record<UsageColumn, Buffer>;
  for (const name of COUNT_COLUMNS) {
    columns[name] = int8Array(differences.map(({ usage }) => String(usage[name])));
  }
  for (const name of DURATION_COLUMNS) {
    columns[name] = numericArray(differences.map(({ usage }) => usage[name]));
  }
  return {
    ...columns,
    sessionIds: textArray(differences.map(() => sessionId)),
    usageTypes: textArray(differences.map(({ usageType }) => usageType)),
    providers: textArray(differences.map(({ provider }) => provider)),
    models: textArray(differences.map(({ model }) => model)),
    eventCounts: int8Array(differences.map(() => 0)),
    firstUs: int8Array(differences.map(() => eventUs)),
    lastUs: int8Array(differences.map(() => eventUs)),
  };
}
