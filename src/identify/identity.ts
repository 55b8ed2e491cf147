import { hash } from 'node:crypto';
import type { BillableMetric } from '../livekit/usage-of.ts';
import { canonicalForm } from './canonical-form.ts';

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
 * The identity table: what tells one emission from another within (session, metric type), read from
 * how the plugins emit. `undefined`: nothing but the whole event does.
 *
 * | metric       | emitted                                            | discriminated by |
 * | ------------ | -------------------------------------------------- | ---------------- |
 * | LLM          | once per stream                                    | id |
 * | TTS          | once per segment                                   | id, segment |
 * | STT          | deltas under one id per connection, or once        | id, time, audio, tokens |
 * | Realtime     | once per response; AWS: deltas; xAI: session_close | id, time, tokens, session |
 * | Interruption | deltas without an id                               | the whole event |
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
} as const satisfies Record<BillableMetric['type'], readonly string[] | undefined>;

/** The id under which the emitter sent the metric; `null` for interruption, which has none. */
export function requestIdOf(metric: BillableMetric): string | null {
  return metric.type === 'interruption_metrics' ? null : metric.request_id;
}

/** Identifies a billable metric; see `Identity`. */
export function identify(metric: BillableMetric): Identity {
  // The 32 bytes of SHA-256 as 32 characters (latin1): no buffer per event.
  const whole = hash('sha256', canonicalForm(metric), 'binary');
  const requestId = requestIdOf(metric);
  const discriminator =
    requestId === null || PLACEHOLDERS.has(requestId)
      ? undefined
      : DISCRIMINATORS[metric.type]?.map((name) => metric[name as keyof typeof metric]);
  if (discriminator === undefined) {
    return {
      identityHigh: wordAt(whole, 0),
      identityLow: wordAt(whole, 4),
      fingerprintHigh: wordAt(whole, 8),
      fingerprintLow: wordAt(whole, 12),
    };
  }
  const parts = hash('sha256', jsonOf(metric.type, requestId as string, discriminator), 'binary');
  return {
    identityHigh: wordAt(parts, 0),
    identityLow: wordAt(parts, 4),
    fingerprintHigh: wordAt(whole, 0),
    fingerprintLow: wordAt(whole, 4),
  };
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

/**
 * The parts of an identity as a JSON array, which keeps them apart and writes a number in its
 * shortest form, the same in every language. Built by hand where nothing is to be escaped: that is
 * nearly always, and three times as fast.
 */
function jsonOf(type: string, requestId: string, discriminator: readonly unknown[]): string {
  if (!isPlain(requestId)) return JSON.stringify([type, requestId, ...discriminator]);
  let json = `["${type}","${requestId}"`;
  for (const part of discriminator) {
    json += typeof part === 'number' ? `,${part}` : `,${JSON.stringify(part)}`;
  }
  return `${json}]`;
}

/** Whether JSON writes a text as it is; every text of printable ASCII without quotes is one. */
function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
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
