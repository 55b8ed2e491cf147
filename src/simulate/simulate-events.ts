import type { AgentMetrics } from '../livekit/index.ts';
import { Random } from './random.ts';
import { SimulatedCall } from './simulated-call.ts';

export interface SimulationOptions {
  /** How many calls there are in all: 0 to 2^32-1. */
  sessions: number;
  /** How many of them are alive at once, and so interleaved; 2,000 when not given. */
  liveSessions?: number;
  /** 0 to 2^53-1. The same options give the same events. */
  seed: number;
  /** Exactly so many events per call; when not given, calls have 3 to 24 turns. */
  eventsPerSession?: number;
  /** When the first call begins; 2026-01-01T00:00:00Z when not given. */
  startAt?: Date;
}

/** One event as a producer would send it. */
export interface SimulatedEvent {
  session_id: string;
  account_id: string | null;
  metric: AgentMetrics;
}

const DEFAULT_LIVE_SESSIONS = 2_000;
const DEFAULT_START_MS = Date.UTC(2026, 0, 1);
/** 2,000 calls of about 200 seconds are alive at once when one begins every tenth of a second. */
const SECONDS_BETWEEN_CALLS = 0.1;
const MAX_SESSIONS = 2 ** 32 - 1;
/** Calls use the streams from 0 on; interleaving has a stream of its own. */
const INTERLEAVING_STREAM = Number.MAX_SAFE_INTEGER;

/**
 * Synthetic call traffic: three calls in four are pipelines of STT, LLM and TTS, the rest
 * are realtime models. Every identity occurs once within its session and metric type. Events of a
 * call come in the order of its clock, events of different calls interleave. VAD is thinned to two
 * reports a turn: real agents send one a second, which would be most of the traffic and no usage.
 * Metadata objects are shared between events: do not change them.
 * Throws RangeError for options out of range, when the first event is asked for.
 */
export function* simulateEvents(options: SimulationOptions): Generator<SimulatedEvent, void> {
  const { sessions, seed, eventsPerSession } = options;
  const liveSessions = options.liveSessions ?? DEFAULT_LIVE_SESSIONS;
  requireWhole('sessions', sessions, 0);
  requireWhole('liveSessions', liveSessions, 1);
  if (eventsPerSession !== undefined) requireWhole('eventsPerSession', eventsPerSession, 1);
  const start = (options.startAt?.getTime() ?? DEFAULT_START_MS) / 1_000;

  const interleaving = new Random(seed, INTERLEAVING_STREAM);
  const live: SimulatedCall[] = [];
  let begun = 0;
  while (true) {
    while (live.length < liveSessions && begun < sessions) {
      const startedAt = start + begun * SECONDS_BETWEEN_CALLS;
      live.push(new SimulatedCall(seed, begun, startedAt, eventsPerSession));
      begun += 1;
    }
    if (live.length === 0) return;
    const index = interleaving.integer(0, live.length - 1);
    const call = live[index] as SimulatedCall;
    const metric = call.next();
    if (metric !== undefined) {
      yield { session_id: call.sessionId, account_id: call.accountId, metric };
      continue;
    }
    // The last one takes the place of the call that ended.
    const last = live.pop() as SimulatedCall;
    if (last !== call) live[index] = last;
  }
}

function requireWhole(option: string, value: number, minimum: number): void {
  if (Number.isInteger(value) && value >= minimum && value <= MAX_SESSIONS) return;
  throw new RangeError(`${option} is a whole number from ${minimum} to 2^32-1, not ${value}`);
}
