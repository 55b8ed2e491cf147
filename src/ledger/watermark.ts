import type { Message } from '../records/message.ts';

/** How far the clock of a producer may be ahead. */
const MOST_AHEAD_MS = 60_000;

/**
 * The greatest Kafka time in a batch that has passed, in milliseconds since 1970. A record from the future
 * says nothing: taken for now, it would close the days of a backlog that is still to be read. `null`: no
 * record has a time that says something.
 */
export function appliedUntilMs(messages: readonly Message[], now = Date.now()): number | null {
  const most = now + MOST_AHEAD_MS;
  let latest = -1;
  for (let i = 0; i < messages.length; i += 1) {
    const message = messages[i] as Message;
    const timestamp = message.timestamp ?? message.record.timestamp;
    if (timestamp > latest && timestamp <= most) latest = timestamp;
  }
  return latest < 0 ? null : Math.min(latest, now);
}
