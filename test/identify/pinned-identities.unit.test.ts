import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { type BillableMetric, IDENTITY_RULE } from '../../src/identify/identity.ts';
import type { AgentMetrics } from '../../src/livekit/types.ts';
import { recorded } from '../livekit/recorded.ts';
import { hexOf, llm } from './samples.ts';

interface RecordedEvent {
  readonly session_id: string;
  readonly metric: AgentMetrics;
}
interface Pin {
  /** Line of test/fixtures/vectors/calls/events.jsonl, from 1. */
  readonly line: number;
  readonly about: string;
  /** By rule: a session keeps the rule that it began with. */
  readonly identities: Readonly<Record<string, string>>;
  readonly fingerprint: string;
}

const pinned = new URL('../fixtures/pinned-identities.json', import.meta.url);
const pins = JSON.parse(readFileSync(pinned, 'utf8')) as Pin[];
const events = recorded<RecordedEvent>('calls/events.jsonl');
const NOT_BILLED = new Set(['vad_metrics', 'eou_metrics']);

/*
 * NEVER change a pin. Ledgers hold these bytes: an event whose identity comes out otherwise is
 * billed a second time when it is replayed, and one whose fingerprint does becomes a conflict. When
 * this test fails, the code is wrong, whatever the reason for its change; a schema may grow, by
 * fields with defaults. More pins may be added: of more events, and of another rule for identities.
 */
describe('identity and fingerprint of a recorded event never change', () => {
  test.each(pins)('line $line: $about', ({ line, identities, fingerprint }) => {
    const metric = events[line - 1]?.metric as BillableMetric;
    for (const [rule, identity] of Object.entries(identities)) {
      expect(hexOf(metric, Number(rule)), `rule ${rule}`).toEqual({ identity, fingerprint });
    }
    expect(hexOf(metric).identity).toBe(identities[IDENTITY_RULE]);
  });

  test('nor that of an event with a weak id, which no recorded one has', () => {
    const event = llm({ request_id: 'chatcmpl-7' });
    expect(hexOf(event, 1)).toEqual({
      identity: 'a7bf7e0d5d5e1a98',
      fingerprint: '1bb9cc6abf7ae506',
    });
    expect(hexOf(event, 2)).toEqual({
      identity: '1bb9cc6abf7ae506',
      fingerprint: 'f35c42cc9bdaf6fa',
    });
  });

  test('and there is a pin for every billable type, with and without a usable id', () => {
    const kinds = pins.map(({ line }) => {
      const metric = events[line - 1]?.metric;
      const id = metric !== undefined && 'request_id' in metric && metric.request_id !== '';
      return `${metric?.type}${id ? '' : ' without id'}`;
    });
    expect([...new Set(kinds)].sort()).toEqual([
      'interruption_metrics without id',
      'llm_metrics',
      'llm_metrics without id',
      'realtime_model_metrics',
      'realtime_model_metrics without id',
      'stt_metrics',
      'stt_metrics without id',
      'tts_metrics',
      'tts_metrics without id',
    ]);
  });
});

test('no two recorded events of a session and type share an identity', () => {
  const seen = new Map<string, number>();
  events.forEach(({ session_id, metric }, i) => {
    if (NOT_BILLED.has(metric.type)) return;
    const key = `${session_id} ${metric.type} ${hexOf(metric as BillableMetric).identity}`;
    expect(seen.get(key), `line ${i + 1}`).toBeUndefined();
    seen.set(key, i + 1);
  });
  expect(seen.size).toBe(2_032);
});
