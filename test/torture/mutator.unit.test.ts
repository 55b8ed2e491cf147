import { expect, test } from 'vitest';
import { schemaIdsOf } from '../../src/decode/avro/decode.ts';
import { SchemaCache } from '../../src/decode/avro/schema-cache.ts';
import { schemaIdOf } from '../../src/records/wire-format.ts';
import { loadEnvelopeSchema } from '../../src/schemas/load.ts';
import { recordedCalls } from '../../tools/demo/recorded-calls.ts';
import { encoded, prepareRecord, recordOf } from '../support/messages.ts';
import { Mutator } from './mutator.ts';

const MESSAGES = 30_000;
const SEED = 20_261_124;
/** One message may take so long, a pause of the garbage collector included. */
const LONGEST_MS = 500;

const valid = recordedCalls().events.map(encoded);
const ourId = schemaIdOf(valid[0] ?? Buffer.alloc(0));
const schemas = new SchemaCache(async (id) =>
  id === ourId
    ? { found: true, schema: loadEnvelopeSchema() }
    : { found: false, reason: 'unknown_schema', detail: `no schema ${id}` },
);

test(`${MESSAGES} malformed messages are each applied, ignored or refused with a reason, in bounded time`, async () => {
  const mutator = new Mutator(valid, SEED);
  const kinds = new Map<string, number>();
  for (let i = 0; i < MESSAGES; i += 1) {
    const record = recordOf(i, mutator.next());
    await schemas.load(schemaIdsOf([record]));
    const begun = performance.now();
    const message = prepareRecord(record, schemas);
    const ms = performance.now() - begun;
    if (ms > LONGEST_MS) throw new Error(`message ${i} of seed ${SEED} took ${Math.round(ms)} ms`);
    const kind = message.kind === 'dead_letter' ? message.reason : message.kind;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  for (const kind of ['billable', 'undecodable', 'invalid_value', 'not_avro_framed']) {
    expect(kinds.get(kind), `${kind} of ${JSON.stringify([...kinds])}`).toBeGreaterThan(20);
  }
});

test('the same seed gives the same messages', () => {
  const [one, other] = [new Mutator(valid, 7), new Mutator(valid, 7)];
  for (let i = 0; i < 1_000; i += 1) expect(one.next().equals(other.next())).toBe(true);
});
