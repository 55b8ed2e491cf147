import { hash } from 'node:crypto';
import type { BillableMetric } from '../livekit/usage-of.ts';
import { canonicalForm, canonicalPlan, type FieldPlan } from './canonical-form.ts';

export type { BillableMetric } from '../livekit/usage-of.ts';

/**
 * Which real-world emission an event is, within its session, and what it says: an identity and a
 * fingerprint of 8 bytes each, as two signed 32-bit halves (the form of a number that costs no
 * memory of its own). Same identity and same
 * fingerprint: a duplicate. Same identity, other fingerprint: a conflict. An event without a usable
 * id has the 128 bits of its fingerprint spread over both, so that either way 128 bits must agree
 * before an event is taken for one that was billed; two different events whose identities alone
 * agree by chance would show as a conflict, not vanish.
 */
export interface Identity {
  readonly identityHigh: number;
  readonly identityLow: number;
  readonly fingerprintHigh: number;
  readonly fingerprintLow: number;
}

/** Ids that emitters send when they have none. */
export const PLACEHOLDERS: ReadonlySet<string> = new Set(['', 'unknown', 'session_close']);

/**
 * The identity table: what distinguishes one emission from another within (session, metric type), read from
 * how the plugins emit. `undefined`: nothing but the whole event does.
 *
 * | metric       | emitted                                            | discriminated by |
 * | ------------ | -------------------------------------------------- | ---------------- |
 * | LLM          | once per stream                                    | id |
 * | TTS          | once per segment                                   | id, segment |
 * | STT          | deltas under one id per connection, or once        | id, time, audio, tokens |
 * | Realtime     | once per response; AWS: deltas; xAI: session_close | id, time, tokens, session |
 * | Interruption | deltas without an id                               | the whole event |
 * | End of turn  | once per inference, without an id                  | the whole event |
 */
export const DISCRIMINATORS = {
  llm_metrics: [],
  tts_metrics: ['segment_id'],
  stt_metrics: ['timestamp', 'audio_duration', 'input_tokens', 'output_tokens'],
  realtime_model_metrics: [
    'timestamp',
    'input_tokens',
    'output_tokens',
    'total_tokens',
    'session_duration',
  ],
  interruption_metrics: undefined,
  eot_inference_metrics: undefined,
} as const satisfies Record<BillableMetric['type'], readonly string[] | undefined>;

/** The id under which the emitter sent the metric; `null` for a type that has none. */
export function requestIdOf(metric: BillableMetric): string | null {
  return 'request_id' in metric ? metric.request_id : null;
}

/**
 * The rule by which events of a new session are identified. A session keeps the rule that it began
 * with, so that events in the ledger are found again whatever later builds do; see docs/identity.md.
 */
export const IDENTITY_RULE = 2;

/**
 * The fields whose canonical form is hashed into the identity of an event with a usable id;
 * `undefined`: an event of this type is identified by its fingerprint.
 */
export function identityPlan(type: BillableMetric['type']): readonly FieldPlan[] | undefined {
  return IDENTITY_PLANS.get(type);
}

const IDENTITY_PLANS = new Map(
  (Object.keys(DISCRIMINATORS) as BillableMetric['type'][]).flatMap((type) => {
    const names: readonly string[] | undefined = DISCRIMINATORS[type];
    if (names === undefined) return [];
    const isIdentifying = ({ name }: FieldPlan) => name === 'request_id' || names.includes(name);
    return [[type, canonicalPlan(type).filter(isIdentifying)] as const];
  }),
);

/**
 * Identifies a billable metric; see `Identity`.
 *
 * @param rule of its session
 * @throws when this build does not know the rule
 */
export function identify(metric: BillableMetric, rule: number = IDENTITY_RULE): Identity {
  const whole = sha256(canonicalForm(metric));
  const requestId = requestIdOf(metric);
  const plan = identityPlan(metric.type);
  if (requestId === null || PLACEHOLDERS.has(requestId) || plan === undefined) {
    return {
      identityHigh: wordAt(whole, 0),
      identityLow: wordAt(whole, 4),
      fingerprintHigh: wordAt(whole, 8),
      fingerprintLow: wordAt(whole, 12),
    };
  }
  const parts = sha256(identifyingBytes(metric, requestId, plan, rule));
  return {
    identityHigh: wordAt(parts, 0),
    identityLow: wordAt(parts, 4),
    fingerprintHigh: wordAt(whole, 0),
    fingerprintLow: wordAt(whole, 4),
  };
}

function identifyingBytes(
  metric: BillableMetric,
  requestId: string,
  plan: readonly FieldPlan[],
  rule: number,
): string | Buffer {
  switch (rule) {
    case 1: {
      const names: readonly string[] = DISCRIMINATORS[metric.type] ?? [];
      const parts = names.map((name) => metric[name as keyof typeof metric]);
      return JSON.stringify([metric.type, requestId, ...parts]);
    }
    case 2:
      return canonicalForm(metric, plan);
    default:
      throw new Error(`a session has identity rule ${rule}, which is of a later build`);
  }
}

/** The 32 bytes of SHA-256 as 32 characters (latin1): no buffer per event. */
export function sha256(bytes: string | Buffer): string {
  return hash('sha256', bytes, 'binary');
}

/** The 16 bytes of an identity in the ledger: identity, then fingerprint, big-endian. */
export function identityBytes(identity: Identity): Buffer {
  const bytes = Buffer.allocUnsafe(16);
  bytes.writeInt32BE(identity.identityHigh, 0);
  bytes.writeInt32BE(identity.identityLow, 4);
  bytes.writeInt32BE(identity.fingerprintHigh, 8);
  bytes.writeInt32BE(identity.fingerprintLow, 12);
  return bytes;
}

/** Four bytes of a digest that is a text of latin1. */
export function wordAt(digest: string, at: number): number {
  return (
    (digest.charCodeAt(at) << 24) |
    (digest.charCodeAt(at + 1) << 16) |
    (digest.charCodeAt(at + 2) << 8) |
    digest.charCodeAt(at + 3)
  );
}
