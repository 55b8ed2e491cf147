import { describe } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { KafkaJsSource } from '../../src/consume/kafkajs-source.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { stackUrls } from '../support/stack.ts';
import { conformance } from './conformance.ts';

const logger = createLogger('fatal');
const kafka = () => {
  const settings = loadSettings({ KAFKA_BROKERS: stackUrls().kafkaBrokers }, ['kafka']);
  return createKafka(settings, logger);
};

describe('KafkaJsSource', () => {
  conformance({
    kafka,
    create: (groupId, topic) =>
      new KafkaJsSource({
        kafka: kafka(),
        groupId,
        topics: [topic],
        sessionTimeoutMs: 6_000,
        logger,
      }),
  });
});
