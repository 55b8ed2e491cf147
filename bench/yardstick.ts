import { once } from 'node:events';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import {
  type BillableMetric,
  identify,
  identityBytes,
  requestIdOf,
} from '../src/identify/identity.ts';
import { billableUsage } from '../src/livekit/usage-of.ts';
import type { SimulatedEvent } from '../src/simulate/simulate-events.ts';
import type { BenchDatabase } from './services.ts';

/**
 * The yardstick: what Postgres takes by `COPY` into a plain table that has the dedupe key. Its SQL
 * stays as it is for good, so that figures of all versions can be compared.
 */
const TABLE = `CREATE TABLE yardstick (
  session_id text, metric_type text, request_id text, discriminator text,
  provider text, model text, event_at timestamptz, kafka_partition int, kafka_offset bigint,
  input_tokens bigint, cached_tokens bigint, output_tokens bigint, duration numeric,
  fingerprint bytea,
  PRIMARY KEY (session_id, metric_type, request_id, discriminator))`;
const COPY = 'COPY yardstick FROM STDIN';
const BATCH_ROWS = 5_000;

/** The billable events as text rows in batches, made before the clock runs. */
export function yardstickBatches(events: Iterable<SimulatedEvent>): string[] {
  const batches: string[] = [];
  let batch = '';
  let rows = 0;
  let offset = 0;
  for (const event of events) {
    offset += 1;
    const row = rowOf(event, offset);
    if (row === undefined) continue;
    batch += row;
    rows += 1;
    if (rows % BATCH_ROWS === 0) {
      batches.push(batch);
      batch = '';
    }
  }
  if (batch !== '') batches.push(batch);
  return batches;
}

function rowOf({ session_id, metric }: SimulatedEvent, offset: number): string | undefined {
  const usage = billableUsage(metric);
  if (usage === undefined) return undefined;
  const bytes = identityBytes(identify(metric as BillableMetric));
  const columns = [
    session_id,
    metric.type,
    requestIdOf(metric as BillableMetric) ?? '',
    bytes.toString('hex', 0, 8),
    usage.provider,
    usage.model,
    new Date(metric.timestamp * 1_000).toISOString(),
    offset % 4,
    offset,
    usage.input_tokens,
    usage.input_cached_tokens,
    usage.output_tokens,
    usage.audio_duration + usage.session_duration,
    `\\\\x${bytes.toString('hex')}`,
  ];
  return `${columns.join('\t')}\n`;
}

/** Copies all batches on one connection, each in a transaction of its own; seconds it took. */
export async function runYardstick(
  database: BenchDatabase,
  batches: readonly string[],
): Promise<number> {
  await database.query('DROP TABLE IF EXISTS yardstick');
  await database.query(TABLE);
  await database.checkpoint();
  const client = new pg.Client({
    connectionString: database.url,
    options: '-c search_path=usage_ledger',
  });
  await client.connect();
  const begun = performance.now();
  for (const batch of batches) {
    const stream = client.query(copyFrom(COPY));
    stream.end(batch);
    await once(stream, 'finish');
  }
  const seconds = (performance.now() - begun) / 1_000;
  await client.end();
  await database.query('DROP TABLE yardstick');
  return seconds;
}
