import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { schemaIdsOf } from '../../../src/decode/avro/decode.ts';
import type { AgentMetrics } from '../../../src/livekit/types.ts';
import { usageValues } from '../../../src/livekit/usage-of.ts';
import { ALL_UTF8 } from '../../../src/records/agent-event.ts';
import { loadEnvelopeSchema } from '../../../src/schemas/load.ts';
import { simulateEvents } from '../../../src/simulate/simulate-events.ts';
import { validate } from '../../../src/validate/validate.ts';
import { realtime } from '../../identify/samples.ts';
import { recorded } from '../../livekit/recorded.ts';
import { encoded } from '../../support/messages.ts';
import { Mutator } from '../../torture/mutator.ts';
import { envelope, framed, recordWith, SCHEMA_ID, schemasOf, written } from '../avro/wire.ts';
import { type DecoderOf, seen } from './seen.ts';

const isBilled = (metric: AgentMetrics) => usageValues(metric) !== undefined;

interface RecordedEvent {
  readonly session_id: string;
  readonly account_id?: string | null;
  readonly metric: AgentMetrics;
}

const ours = loadEnvelopeSchema();
const schemas = await schemasOf(ours);

/** Recorded, simulated and corrupt records. */
export function describeRecords(decoderOf: DecoderOf): void {
  const ofValue = (value: Buffer) => seen(decoderOf, recordWith(value), schemas);

  const folders = ['calls', 'collector', 'livekit-1.8.9/calls', 'livekit-1.8.9/collector'];

  test.each(folders)('each recorded event of %s is what was sent', (folder) => {
    for (const event of recorded<RecordedEvent>(`${folder}/events.jsonl`)) {
      const { session_id: sessionId, account_id: accountId = null, metric } = event;
      const sent = { sessionId, accountId, attributes: {}, metric, notUtf8: ALL_UTF8 };
      const validated = validate(sent);
      const message = ofValue(encoded(event));
      if (!validated.valid) {
        expect(message).toMatchObject({ reason: 'invalid_value', detail: validated.detail });
      } else if (validated.values === undefined) {
        expect(message).toMatchObject({ kind: 'ignored', sessionId, accountId });
      } else {
        expect(message).toMatchObject({ kind: 'billable', sessionId, accountId, metric });
      }
    }
  });

  test('each simulated event is what was sent', () => {
    for (const event of simulateEvents({ sessions: 20, seed: 7, liveSessions: 5 })) {
      const { session_id: sessionId, metric } = event;
      const message = ofValue(encoded(event));
      expect(message).toMatchObject({ sessionId });
      if (message.kind === 'billable')
        expect(message.metric).toEqual({ ...message.metric, ...metric });
      else expect(isBilled(metric)).toBe(false);
    }
  });

  describe('no record makes it throw', () => {
    test('whatever its bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
          const payload = Buffer.from(bytes);
          ofValue(framed(payload));
          // An id that the cache was not asked to load is another matter.
          if (schemaIdsOf([recordWith(payload)]).size === 0) ofValue(payload);
        }),
        { numRuns: 500 },
      );
    });

    test('whichever bytes of a good one are changed', () => {
      const good = written(ours, envelope(realtime(), { attributes: { a: '1' } }));
      const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
      fc.assert(
        fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
          const bytes = Buffer.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          ofValue(framed(bytes));
        }),
        { numRuns: 2_000 },
      );
    });

    test('be it one of 3,000 corrupt ones', () => {
      const mutator = new Mutator(recorded<RecordedEvent>('calls/events.jsonl').map(encoded), 42);
      for (let i = 0; i < 3_000; i += 1) {
        const value = mutator.next();
        if (value.length >= 5 && value.readUInt32BE(1) !== SCHEMA_ID) continue;
        ofValue(value);
      }
    });
  });
}
