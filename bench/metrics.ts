/**
 * What observing applied events costs the worker, in one process and without services: CPU of a batch
 * from its records to what is sent to Postgres, and of the observation after its commit.
 */
import { Registry } from 'prom-client';
import { Arena } from '../src/bytes/arena.ts';
import { SpareBuffers } from '../src/bytes/spare-buffers.ts';
import { AvroDecoder } from '../src/decode/avro/avro-decoder.ts';
import { SchemaCache } from '../src/decode/avro/schema-cache.ts';
import { ColumnarDecoder } from '../src/decode/columnar/columnar-decoder.ts';
import { columnarSchemaOf } from '../src/decode/columnar/columnar-schema.ts';
import { readAhead } from '../src/decode/columnar/read-ahead.ts';
import { CallMetrics } from '../src/http/metrics/call-metrics.ts';
import { encodeEntries } from '../src/ledger/encode-entries.ts';
import { sessionBatchesOf } from '../src/ledger/session-batch.ts';
import type { ConsumedRecord } from '../src/records/consumed-record.ts';
import { RecordBlock } from '../src/records/record-block.ts';
import { loadEnvelopeSchema } from '../src/schemas/load.ts';
import { simulateEvents } from '../src/simulate/simulate-events.ts';
import { encoded, recordOf } from '../test/support/messages.ts';

const EVENTS = 20_000;
const ROUNDS = 80;
/** In which the compiler has not finished. */
const WARM_UP = 20;
/** That of `encoded`. */
const SCHEMA_ID = 7;

const schemas = new SchemaCache(async () => ({ found: true, schema: loadEnvelopeSchema() }));
await schemas.load([SCHEMA_ID]);
const entry = schemas.get(SCHEMA_ID);
const reader = entry && columnarSchemaOf(entry)?.reader;
const records: ConsumedRecord[] = [];
for (const event of simulateEvents({ sessions: EVENTS, seed: 3, liveSessions: 400 })) {
  const offset = records.length;
  records.push(recordOf(offset, encoded(event)));
  if (records.length === EVENTS) break;
}
const { packed } = RecordBlock.of(records);
const memory = new SharedArrayBuffer(EVENTS * 256);

function batchOf() {
  const block = new RecordBlock(packed);
  block.columns = readAhead(block, () => reader, new Arena(memory, 0));
  const decoder = new ColumnarDecoder(schemas, new AvroDecoder(schemas));
  const messages = records.map((_, index) => decoder.decode(block, index));
  const sessions = sessionBatchesOf(messages);
  let applied = 0;
  for (const session of sessions) {
    session.touched = { revision: 1n, period: '2026-01-01', accountId: null };
    session.outcomes = { fresh: session.billable, conflicting: [], duplicates: 0 };
    applied += session.billable.length;
  }
  const where = { groupId: 'group', topic: 'calls', partition: 0, pass: 0, generation: 0 };
  const metricOf = (message: Parameters<typeof decoder.metricOf>[0]) => decoder.metricOf(message);
  const batch = { ...where, fromOffset: 0, nextOffset: EVENTS, messages, metricOf };
  const sources = { idOf: () => 1 } as unknown as Parameters<typeof encodeEntries>[1];
  encodeEntries([{ batch, sessions }], sources, { rowOid: 1, applied }, new SpareBuffers());
  return { batch, sessions, deadLetters: [], stepMs: new Map() };
}

/** CPU of this process for each event, in microseconds. */
function cpuOf<T>(work: () => T): { result: T; us: number } {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, us: (user + system) / EVENTS };
}

function median(values: readonly number[]): number {
  const sorted = values.slice(WARM_UP).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}

const calls = new CallMetrics(new Registry());
const batches: number[] = [];
const observations: number[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const { result, us } = cpuOf(batchOf);
  batches.push(us);
  observations.push(cpuOf(() => calls.committed(result)).us);
}
process.stdout.write(
  `a batch, from its records to what is sent to Postgres: ${median(batches).toFixed(2)} µs an event\n` +
    `observing it: ${median(observations).toFixed(3)} µs an event\n`,
);
