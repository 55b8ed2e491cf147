import avro from 'avsc';
import { describe, expect, test } from 'vitest';
import { type AgentMetrics, billableUsage } from '../../src/livekit/index.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { METRIC_RECORDS, metricRecordName } from '../../src/schemas/metric-records.ts';
import {
  type SimulatedEvent,
  type SimulationOptions,
  simulateEvents,
} from '../../src/simulate/simulate-events.ts';

const OPTIONS: SimulationOptions = { sessions: 120, liveSessions: 30, seed: 7 };
const EVENTS = [...simulateEvents(OPTIONS)];

function bySession(events: Iterable<SimulatedEvent>): Map<string, AgentMetrics[]> {
  const sessions = new Map<string, AgentMetrics[]>();
  for (const { session_id, metric } of events) {
    const metrics = sessions.get(session_id) ?? [];
    sessions.set(session_id, metrics);
    metrics.push(metric);
  }
  return sessions;
}

/** What makes an event itself within its session, by the table in the design. */
function identity(metric: AgentMetrics): string {
  switch (metric.type) {
    case 'llm_metrics':
      return metric.request_id;
    case 'tts_metrics':
      return `${metric.request_id} ${metric.segment_id}`;
    case 'stt_metrics':
      return [
        metric.request_id,
        metric.timestamp,
        metric.audio_duration,
        metric.input_tokens,
        metric.output_tokens,
      ].join(' ');
    default:
      return JSON.stringify(metric);
  }
}

describe('simulateEvents', () => {
  test('gives the same events for the same options', () => {
    expect([...simulateEvents(OPTIONS)]).toEqual(EVENTS);
  });

  test('gives other sessions for another seed, beyond 32 bits too', () => {
    const known = new Set(EVENTS.map((event) => event.session_id));
    for (const seed of [8, 7 + 2 ** 32]) {
      const others = [...simulateEvents({ ...OPTIONS, seed })];
      expect(others.filter((event) => known.has(event.session_id))).toEqual([]);
    }
  });

  test('gives a call the same events however many are alive at once', () => {
    const oneByOne = bySession(simulateEvents({ ...OPTIONS, liveSessions: 1 }));
    expect(oneByOne).toEqual(bySession(EVENTS));
    expect(oneByOne.size).toBe(OPTIONS.sessions);
  });

  test('interleaves calls, but no more than may be alive at once', () => {
    const lastSeen = new Map(EVENTS.map((event, index) => [event.session_id, index]));
    const alive = new Set<string>();
    let most = 0;
    EVENTS.forEach((event, index) => {
      alive.add(event.session_id);
      most = Math.max(most, alive.size);
      if (lastSeen.get(event.session_id) === index) alive.delete(event.session_id);
    });
    expect(most).toBe(30);
  });

  test('repeats no identity within a session and type', () => {
    const seen = new Set<string>();
    for (const { session_id, metric } of EVENTS) {
      seen.add(`${session_id} ${metric.type} ${identity(metric)}`);
    }
    expect(seen.size).toBe(EVENTS.length);
  });

  test('keeps to the clock of the call, except where a plugin sends a monotonic one', () => {
    for (const metrics of bySession(EVENTS).values()) {
      const times = metrics.map((metric) => metric.timestamp).filter((time) => time > 1e9);
      expect(times[0]).toBeGreaterThan(Date.UTC(2026, 0, 1) / 1_000);
      for (let n = 1; n < times.length; n++) {
        expect(times[n]).toBeGreaterThan(times[n - 1] ?? 0);
      }
    }
    expect(EVENTS.some((event) => event.metric.timestamp < 1e9)).toBe(true);
  });

  test('has every kind of metric and the cases that are easy to bill wrongly', () => {
    const metrics = EVENTS.map((event) => event.metric);
    expect(new Set(metrics.map((metric) => metric.type))).toEqual(
      new Set(METRIC_RECORDS.map(({ type }) => type)),
    );
    const stt = metrics.filter((metric) => metric.type === 'stt_metrics');
    expect(stt.some((metric) => metric.request_id === '' && metric.audio_duration > 0)).toBe(true);
    expect(new Set(stt.map((metric) => metric.request_id)).size).toBeLessThan(stt.length / 2);
    const realtime = metrics.filter((metric) => metric.type === 'realtime_model_metrics');
    const closes = realtime.filter((metric) => metric.request_id === 'session_close');
    expect(closes.length).toBeGreaterThan(0);
    expect(closes.every((metric) => metric.session_duration > 1)).toBe(true);
    expect(realtime.some((metric) => metric.input_token_details.cached_tokens_details)).toBe(true);
    expect(EVENTS.some((event) => event.account_id === null)).toBe(true);
  });

  test('bills nothing negative, fractional in a count, or not finite', () => {
    const refused = EVENTS.flatMap(({ metric }) => {
      const { usageType: _, provider: __, model: ___, ...columns } = billableUsage(metric) ?? {};
      return Object.entries(columns).filter(([column, value]) =>
        column.endsWith('duration')
          ? !Number.isFinite(value) || value < 0
          : !Number.isSafeInteger(value) || value < 0,
      );
    });
    expect(refused).toEqual([]);
  });

  test('fits the schema', () => {
    const type = avro.Type.forSchema(loadEnvelopeSchema() as avro.Schema);
    for (const { metric, ...event } of EVENTS) {
      const { type: literal, ...fields } = metric;
      const branch = { [`usage_ledger.${metricRecordName(literal)}`]: fields };
      expect(type.isValid({ ...event, attributes: {}, metric: branch })).toBe(true);
    }
  });

  test('gives exactly as many events per session as asked for, the close of a session included', () => {
    const sessions = bySession(simulateEvents({ sessions: 60, seed: 3, eventsPerSession: 25 }));
    expect(sessions.size).toBe(60);
    const lasts = [...sessions.values()].map((metrics) => {
      expect(metrics).toHaveLength(25);
      return metrics.at(-1);
    });
    expect(lasts).toContainEqual(expect.objectContaining({ request_id: 'session_close' }));
  });

  test('begins at startAt', () => {
    const startAt = new Date('2030-06-01T00:00:00Z');
    const [first] = simulateEvents({ sessions: 1, seed: 1, startAt });
    expect(first?.metric.timestamp).toBeGreaterThan(startAt.getTime() / 1_000);
    expect(first?.metric.timestamp).toBeLessThan(startAt.getTime() / 1_000 + 60);
  });

  test('gives nothing for no sessions', () => {
    expect([...simulateEvents({ sessions: 0, seed: 1 })]).toEqual([]);
  });

  test.each([
    { sessions: -1, seed: 1 },
    { sessions: 1.5, seed: 1 },
    { sessions: 1, seed: -1 },
    { sessions: 1, seed: Number.NaN },
    { sessions: 1, seed: 1, liveSessions: 0 },
    { sessions: 1, seed: 1, eventsPerSession: 0 },
  ])('refuses %j', (options) => {
    expect(() => simulateEvents(options).next()).toThrow(RangeError);
  });
});
