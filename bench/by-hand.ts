import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { bigint, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { createLogger } from '../src/config/logger.ts';
import { createKafka } from '../src/kafka/client.ts';
import type { AgentMetrics } from '../src/livekit/types.ts';
import { billableUsage } from '../src/livekit/usage-of.ts';
import { createRegistry } from '../src/registry/schema-registry.ts';
import { metricTypeOf, NAMESPACE } from '../src/schemas/metric-records.ts';
import type { BenchDatabase, BenchServices } from './services.ts';

/** What people write by hand: a key per event, and a sum per session and model. */
const seen = pgTable(
  'by_hand_event',
  { sessionId: text('session_id'), requestId: text('request_id'), metric: text('metric') },
  (t) => [primaryKey({ columns: [t.sessionId, t.requestId, t.metric] })],
);
const usage = pgTable(
  'by_hand_usage',
  {
    sessionId: text('session_id'),
    provider: text('provider'),
    model: text('model'),
    inputTokens: bigint('input_tokens', { mode: 'number' }),
    outputTokens: bigint('output_tokens', { mode: 'number' }),
  },
  (t) => [primaryKey({ columns: [t.sessionId, t.provider, t.model] })],
);

/**
 * kafkajs `eachMessage`, `registry.decode`, one Drizzle transaction per message.
 *
 * @returns seconds for the first `count` messages
 */
export async function runByHand(
  services: BenchServices,
  database: BenchDatabase,
  topic: string,
  count: number,
): Promise<number> {
  await database.query(`CREATE TABLE by_hand_event (session_id text, request_id text, metric text,
    PRIMARY KEY (session_id, request_id, metric))`);
  await database.query(`CREATE TABLE by_hand_usage (session_id text, provider text, model text,
    input_tokens bigint, output_tokens bigint, PRIMARY KEY (session_id, provider, model))`);
  const settings = services.settings({ DATABASE_URL: database.url });
  const pool = new pg.Pool({
    connectionString: database.url,
    options: '-c search_path=usage_ledger',
    max: 4,
  });
  const db = drizzle(pool);
  const registry = createRegistry(settings);
  const kafka = createKafka(settings, createLogger('fatal'));
  const consumer = kafka.consumer({ groupId: `by-hand-${Date.now()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  let done = 0;
  let begun = 0;
  const seconds = await new Promise<number>((resolve, reject) => {
    consumer
      .run({
        partitionsConsumedConcurrently: 4,
        eachMessage: async ({ message }) => {
          if (begun === 0) begun = performance.now();
          if (message.value === null || done >= count) return;
          const event = await registry.decode(message.value);
          const [name = '', metric] = Object.entries(event.metric)[0] ?? [];
          const type = metricTypeOf(name.slice(NAMESPACE.length + 1));
          await apply(db, event.session_id, { ...(metric as object), type } as AgentMetrics);
          done += 1;
          if (done === count) resolve((performance.now() - begun) / 1_000);
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  await pool.end();
  return seconds;
}

async function apply(db: ReturnType<typeof drizzle>, sessionId: string, metric: AgentMetrics) {
  const billed = billableUsage(metric);
  if (billed === undefined) return;
  const { provider, model, input_tokens: inputTokens, output_tokens: outputTokens } = billed;
  const requestId = `${'request_id' in metric ? metric.request_id : ''}/${metric.timestamp}`;
  await db.transaction(async (tx) => {
    const fresh = await tx
      .insert(seen)
      .values({ sessionId, requestId, metric: metric.type })
      .onConflictDoNothing()
      .returning();
    if (fresh.length === 0) return;
    await tx
      .insert(usage)
      .values({ sessionId, provider, model, inputTokens, outputTokens })
      .onConflictDoUpdate({
        target: [usage.sessionId, usage.provider, usage.model],
        set: {
          inputTokens: sql`by_hand_usage.input_tokens + excluded.input_tokens`,
          outputTokens: sql`by_hand_usage.output_tokens + excluded.output_tokens`,
        },
      });
  });
}
