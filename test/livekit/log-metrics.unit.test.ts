import { Writable } from 'node:stream';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { type AgentMetrics, logMetrics, type MetricsLogFields } from '../../src/livekit/index.ts';
import { fieldsAsIn, RECORDED_VERSIONS, recorded } from './recorded.ts';

interface RecordedLog {
  metric: AgentMetrics;
  message: string | null;
  level: string | null;
  extra: MetricsLogFields | null;
}

function logged(metric: AgentMetrics): { fields: MetricsLogFields; message: string }[] {
  const lines: { fields: MetricsLogFields; message: string }[] = [];
  logMetrics(metric, { info: (fields, message) => lines.push({ fields, message }) });
  return lines;
}

describe('logMetrics', () => {
  test.each(RECORDED_VERSIONS)(
    'logs what Python $version recorded: message, fields, their order and every rounding, to the bit',
    ({ files, logs }) => {
      const lines = recorded<RecordedLog>(`${files}/expected_log.jsonl`);
      expect(lines).toHaveLength(logs);
      for (const { metric, message, level, extra } of lines) {
        const actual = logged(metric);
        if (message === null || extra === null) {
          expect(actual).toEqual([]);
          continue;
        }
        expect(level).toBe('INFO');
        expect(actual).toHaveLength(1);
        expect(actual[0]?.message).toBe(message);
        const fields = fieldsAsIn(extra, actual[0]?.fields ?? {});
        expect(fields).toStrictEqual(Object.entries(extra));
      }
    },
  );

  test('the recording has what is easy to get wrong', () => {
    const lines = recorded<RecordedLog>('collector/expected_log.jsonl');
    const values = lines.flatMap((line) => Object.values(line.extra ?? {}));
    expect(values.some((value) => Object.is(value, -0))).toBe(true);
    expect(values).toContain(1.5e300);
    expect(values).toContain('unknown');
    expect(lines.some((line) => line.message === null)).toBe(true);
  });

  test('writes one line at level info through pino', () => {
    let text = '';
    const sink = new Writable({
      write(chunk, _encoding, done) {
        text += chunk;
        done();
      },
    });
    const line = recorded<RecordedLog>('livekit-1.8.9/collector/expected_log.jsonl')[0];
    if (line === undefined) throw new Error('the recording is empty');
    logMetrics(line.metric, pino({ base: null, timestamp: false }, sink));
    expect(JSON.parse(text)).toEqual({ level: 30, ...line.extra, msg: line.message });
  });

  test('leaves the names out for absent metadata and says unknown for empty metadata', () => {
    const eou = { type: 'eou_metrics', end_of_utterance_delay: 0.125, transcription_delay: 0.375 };
    const rounded = { end_of_utterance_delay: 0.12, transcription_delay: 0.38 };
    expect(logged(eou as AgentMetrics)[0]?.fields).toEqual(rounded);
    expect(logged({ ...eou, metadata: {} } as unknown as AgentMetrics)[0]?.fields).toEqual({
      model_name: 'unknown',
      model_provider: 'unknown',
      ...rounded,
    });
  });

  test.each([null, undefined, 1, 'vad_metrics', {}, { type: '__proto__' }])(
    'throws for %j',
    (nonMetric) => {
      expect(() => logged(nonMetric as unknown as AgentMetrics)).toThrow(TypeError);
    },
  );
});
