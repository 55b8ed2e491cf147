import { withAdmin } from '../../kafka/admin.ts';
import { createKafka } from '../../kafka/client.ts';
import { missingTopics } from '../../kafka/topics.ts';
import { type Check, type Finding, fail, ok, type Scene, warn } from './finding.ts';

/** The topics that are read. */
export const topics: Check = {
  name: 'topics',
  after: 'brokers',
  todo: 'check KAFKA_TOPICS, and what the user may describe',
  run: (scene) => findingsOf(scene, scene.settings.KAFKA_TOPICS),
};

/** The topic to which dead letters are copied. A worker starts without it, and retries the copies. */
export const deadLetterTopic: Check = {
  name: 'dead-letter topic',
  after: 'brokers',
  todo: 'check KAFKA_DEAD_LETTER_TOPIC, and what the user may describe',
  async run(scene) {
    const topic = scene.settings.KAFKA_DEAD_LETTER_TOPIC;
    if (topic === undefined) return [];
    const findings = await findingsOf(scene, [topic]);
    return findings.map((finding) => ({
      ...finding,
      verdict: finding.verdict === 'fail' ? 'warn' : finding.verdict,
    }));
  },
};

function findingsOf({ settings, logger }: Scene, names: readonly string[]): Promise<Finding[]> {
  const kafka = createKafka(settings, logger);
  return withAdmin(kafka, async (admin) => {
    const findings: Finding[] = [];
    const missing = new Map(
      (await missingTopics(admin, names)).map(({ topic, why }) => [topic, why]),
    );
    for (const topic of names) {
      const why = missing.get(topic);
      if (why !== undefined) {
        findings.push(fail(topic, why, `create topic ${topic}, or permit this user to use it`));
        continue;
      }
      const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
      const partitions = metadata.topics.flatMap((found) => found.partitions);
      const orphans = partitions.filter(({ leader }) => leader < 0).length;
      findings.push(
        orphans === 0
          ? ok(topic, `${partitions.length} partitions`)
          : warn(
              topic,
              `${orphans} of ${partitions.length} partitions have no leader`,
              'start the brokers that have them',
            ),
      );
    }
    return findings;
  });
}
