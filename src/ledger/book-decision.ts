import { type Identity, requestIdOf } from '../identify/identity.ts';
import { COLUMNS_OF } from '../livekit/usage-of.ts';
import { BinaryRows } from '../postgres/binary-rows.ts';
import type { Connection } from '../postgres/database.ts';
import type { Decimal } from '../postgres/decimal.ts';
import type { LockedConflict } from './lock-conflict.ts';
import { ENTRY_BYTES, PageWriter } from './page-writer.ts';
import { numberNames } from './source-ids.ts';
import type { ConflictKey } from './statements/conflicts.ts';
import { insertPages, rowOidOf } from './statements/pages.ts';
import { addUsage } from './statements/usage.ts';
import { type UsageDifference, usageParameters } from './usage-difference.ts';

/** What a person's decision adds to the ledger. */
export interface DecidedEntries {
  readonly identity: Identity;
  readonly isCorrection: boolean;
  readonly differences: readonly UsageDifference[];
}

/** Writes entries at the conflict's offset, and adds them to what is billed. */
export async function bookDecision(
  connection: Connection,
  { topic, partition, offset }: ConflictKey,
  { sessionId, session, metric, eventUs }: LockedConflict,
  { identity, isCorrection, differences }: DecidedEntries,
): Promise<void> {
  const names = await numberNames(connection, differences);
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
  const where = { topic, partition, isCorrection };
  const pages = new PageWriter(
    new BinaryRows(await rowOidOf(connection), entries.length * ENTRY_BYTES),
    idOf,
  );
  pages.add(where, sessionId, session, entries);
  const rows = pages.finish();
  if (rows !== undefined) await insertPages.run(connection, { rows });
  const events = isCorrection ? 0 : 1;
  await addUsage.run(connection, usageParameters(sessionId, differences, { eventUs, events }));
}

/** Zero as the number: the page writer leaves it out. */
function pageValue(sum: Decimal): number | string {
  const text = sum.toString();
  return text === '0' ? 0 : text;
}
