import { messageOf } from '../../errors.ts';
import { withAdmin } from '../../kafka/admin.ts';
import { createKafka } from '../../kafka/client.ts';
import { refusalOf } from '../refusals.ts';
import { type Check, type Finding, fail, ok, type Scene, warn } from './finding.ts';

/** Each entry of KAFKA_BROKERS, alone. A worker needs one of them. */
export const brokers: Check = {
  name: 'brokers',
  after: 'token',
  todo: 'check KAFKA_BROKERS, and that the brokers run',
  async run(scene) {
    const findings = await Promise.all(
      scene.settings.KAFKA_BROKERS.map((broker) => findingOf(broker, scene)),
    );
    if (findings.every(({ verdict }) => verdict === 'fail')) return findings;
    return findings.map((finding) =>
      finding.verdict === 'fail'
        ? warn(finding.subject, finding.found, finding.todo ?? '')
        : finding,
    );
  },
};

async function findingOf(broker: string, { settings, logger }: Scene): Promise<Finding> {
  const kafka = createKafka({ ...settings, KAFKA_BROKERS: [broker] }, logger, { retries: 0 });
  try {
    const cluster = await withAdmin(kafka, (admin) => admin.describeCluster());
    return ok(broker, `answers; its cluster has ${cluster.brokers.length} brokers`);
  } catch (error) {
    const toCheck = refusalOf(error) ?? 'KAFKA_BROKERS, KAFKA_SSL and KAFKA_SASL_MECHANISM';
    return fail(broker, messageOf(error), `check ${toCheck}`);
  }
}
