import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { messageOf } from '../errors.ts';
import { withAdmin } from './admin.ts';
import { createKafka } from './client.ts';
import { tokensFor } from './sasl/tokens-for.ts';

/**
 * The first of the brokers that answers. They are asked concurrently: one that is down, unknown to DNS
 * or silent must not use up the time of the others.
 *
 * @throws the reasons of all of them
 */
export async function anyBroker(settings: Settings, logger: Logger): Promise<string> {
  // Once for all of them, and before a connection: the brokers have no part in it when there is none.
  await tokensFor(settings, logger)?.ask();
  const attempts = settings.KAFKA_BROKERS.map(async (broker) => {
    // No retries: the caller tries again, and reports why.
    const kafka = createKafka({ ...settings, KAFKA_BROKERS: [broker] }, logger, { retries: 0 });
    await withAdmin(kafka, (admin) => admin.describeCluster());
    return broker;
  });
  try {
    return await Promise.any(attempts);
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors : [error];
    if (reasons.length === 1) throw reasons[0];
    throw new Error(reasons.map(messageOf).join('; '), { cause: reasons[0] });
  }
}
