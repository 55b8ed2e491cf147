import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';

/** Throws while the service does not answer yet. */
export type Probe = () => Promise<void>;

/** Kafka answers a request for its metadata, and names itself in the answer. */
export function kafkaProbe(brokers: string): Probe {
  return async () => {
    const kafka = new Kafka({
      clientId: 'usage-ledger-stack',
      brokers: brokers.split(','),
      connectionTimeout: 1_000,
      requestTimeout: 2_000,
      retry: { retries: 0 },
      logLevel: logLevel.NOTHING,
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
      const cluster = await admin.describeCluster();
      if (cluster.brokers.length === 0) throw new Error('no broker in the cluster yet');
    } finally {
      await admin.disconnect();
    }
  };
}

/** The registry lists its subjects. */
export function registryProbe(url: string): Probe {
  return async () => {
    const response = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(2_000) });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    await response.json();
  };
}

/** Postgres answers a query. */
export function postgresProbe(url: string): Probe {
  return async () => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
    // An error event without a listener would end the process.
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
    } finally {
      await client.end();
    }
  };
}

const POLL_MS = 50;

/** Asks until it answers. `given` says when to stop asking: it settles with the reason. */
export async function untilAnswers(probe: Probe, givenUp: Promise<Error>): Promise<void> {
  let stop: Error | undefined;
  void givenUp.then((reason) => {
    stop = reason;
  });
  for (;;) {
    try {
      await probe();
      return;
    } catch {
      // Not yet.
    }
    if (stop !== undefined) throw stop;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (stop !== undefined) throw stop;
  }
}
