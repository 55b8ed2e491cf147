import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { messageOf } from '../errors.ts';
import { withAdmin } from './admin.ts';
import { createKafka } from './client.ts';

/**
 * The first of the brokers that answers. They are asked side by side: one that is down, unknown to
 * DNS or silent must not use up the time of the others.
 *
 * @throws what each of them said
 */
export async function anyBroker(settings: Settings, logger: Logger): Promise<string> {
  const attempts = settings.KAFKA_BROKERS.map(async (broker) => {
    // It fails at once: whoever waits for the brokers tries again, and says why.
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
