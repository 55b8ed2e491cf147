import { randomBytes } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { inject } from 'vitest';
import { type Stack, startStack } from '../../tools/stack/stack.ts';
import type { StackUrls } from './stack-urls.ts';
import { until } from './until.ts';

/** The services that every test of this run shares. */
export function stackUrls(): StackUrls {
  return inject('stack');
}

/** A database of one's own on the shared server; one per test file is meant. */
export async function freshDatabase(
  serverUrl = stackUrls().databaseUrl,
  defaults: readonly string[] = [],
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${unique()}`;
  await onServer(serverUrl, `CREATE DATABASE ${name}`);
  for (const setting of defaults) {
    await onServer(serverUrl, `ALTER DATABASE ${name} SET ${setting}`);
  }
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: async () => await onServer(serverUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Resolves with the name of a new topic once each of its partitions has a leader. */
export async function freshTopic(
  partitions: number,
  kafkaBrokers = stackUrls().kafkaBrokers,
): Promise<string> {
  const topic = `test-${unique()}`;
  const admin = new Kafka({
    clientId: 'usage-ledger-test',
    brokers: kafkaBrokers.split(','),
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }],
      // kafkajs gives up when the broker, busy with other topics, does not know this one at once.
      waitForLeaders: false,
    });
    await until(`topic ${topic} has leaders`, async () => {
      const found = await admin.fetchTopicMetadata({ topics: [topic] }).catch(() => undefined);
      const leaders = found?.topics[0]?.partitions.map(({ leader }) => leader) ?? [];
      return leaders.length === partitions && leaders.every((leader) => leader >= 0);
    });
  } finally {
    await admin.disconnect();
  }
  return topic;
}

/**
 * A stack of the caller's own, of local processes, for a test that kills, stops or freezes them
 * and must not do so to the other tests' services. Stop it in `afterAll`.
 */
export async function ownStack(): Promise<Stack> {
  const env = { ...process.env, USAGE_LEDGER_STACK: 'local' };
  return await startStack({ progress: () => {}, env });
}

function unique(): string {
  return randomBytes(6).toString('hex');
}
