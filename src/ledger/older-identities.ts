import { identify } from '../identify/identity.ts';
import type { Batch } from '../records/message.ts';
import type { SessionBatch } from './session-batch.ts';

/**
 * Identifies the events of sessions that began under an earlier build by the rule of that build: only
 * so are they found among those that are in the ledger. The events are changed in place, since the
 * batch and its sessions share them.
 */
export function identifyByOlderRules(
  sessions: readonly SessionBatch[],
  metricOf: Batch['metricOf'],
): void {
  for (const { state, billable } of sessions) {
    const rule = state?.olderRule;
    if (rule === undefined) continue;
    for (const event of billable) Object.assign(event, identify(metricOf(event), rule));
  }
}
