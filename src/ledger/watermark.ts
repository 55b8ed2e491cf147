import type { Batch } from '../records/message.ts';

/**
 * The greatest Kafka time in a batch, in milliseconds since 1970, as far as it has passed: a producer
 * whose clock is ahead must not close days. `null`: no record has a time, as in old formats.
 */
export function appliedUntilMs(
  { messages }: Pick<Batch, 'messages'>,
  now = Date.now(),
): number | null {
  let latest = -1;
  for (const { record } of messages) {
    const { timestamp } = record;
    if (timestamp > latest) latest = timestamp;
  }
  return latest < 0 ? null : Math.min(latest, now);
}
