import { setTimeout as delay } from 'node:timers/promises';
import type { EncodedEvent, EventInput } from '../../src/produce/encoder.ts';
import type { EventProducer } from '../../src/produce/event-producer.ts';
import { simulateEvents } from '../../src/simulate/simulate-events.ts';
import { corrupt } from '../demo/malformed.ts';

const TICK_MS = 250;
/** Of events per second; it rises and falls, as the traffic of a day does. */
const MEAN_RATE = 160;
const SWING = 0.45;
const SWING_MS = 8 * 60_000;
/** One event in so many. */
const AGAIN = 30;
const CONFLICT = 3_000;
const OTHER_ACCOUNT = 900;
const MALFORMED = 400;
const MALFORMED_OF_BROKEN = 8;

export interface Traffic {
  readonly signal: AbortSignal;
  readonly encode: (event: EventInput) => Promise<EncodedEvent>;
  /** Whether an emitter is broken at the moment: much of what it sends is malformed. */
  readonly isBroken: () => boolean;
}

/** Sends simulated calls that happen now, and what goes wrong with some, until the signal. */
export async function sendTraffic(
  producer: EventProducer,
  { signal, encode, isBroken }: Traffic,
): Promise<void> {
  let sent = 0;
  let malformed = 0;
  let due = 0;
  for (const event of simulateEvents({ sessions: 1e6, liveSessions: 150, seed: 1 })) {
    const metric = { ...event.metric, timestamp: Date.now() / 1_000 };
    const account = sent % OTHER_ACCOUNT === 1 ? 'another' : event.account_id;
    const message = await encode({ ...event, account_id: account, metric });
    await producer.add(message);
    if (sent % AGAIN === 0) await producer.add(message);
    if (sent % CONFLICT < 5 && 'completion_tokens' in metric) {
      const other = { ...metric, completion_tokens: metric.completion_tokens + 1 };
      await producer.add(await encode({ ...event, metric: other }));
    }
    if (sent % (isBroken() ? MALFORMED_OF_BROKEN : MALFORMED) === 3) {
      await producer.add(corrupt(message, malformed));
      malformed += 1;
    }
    sent += 1;
    while (sent >= due && !signal.aborted) {
      await producer.flush();
      await delay(TICK_MS);
      due += rateAt(Date.now()) * (TICK_MS / 1_000);
    }
    if (signal.aborted) return;
  }
}

function rateAt(now: number): number {
  const wave = Math.sin((now / SWING_MS) * 2 * Math.PI);
  const noise = (Math.random() - 0.5) / 3;
  return MEAN_RATE * (1 + SWING * wave + noise);
}
