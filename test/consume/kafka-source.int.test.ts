import { describe } from 'vitest';
import { createLogger } from '../../src/config/logger.ts';
import { loadSettings } from '../../src/config/settings.ts';
import { KafkaSource } from '../../src/consume/kafka-source.ts';
import { createKafka } from '../../src/kafka/client.ts';
import { stackUrls } from '../support/stack.ts';
import { conformance } from './conformance.ts';

const logger = createLogger('fatal');
const kafkaSettings = () =>
  loadSettings(
    {
      KAFKA_BROKERS: stackUrls().kafkaBrokers,
      KAFKA_SESSION_TIMEOUT_MS: '6000',
      LOG_LEVEL: 'fatal',
    },
    ['kafka'],
  );
const kafka = () => createKafka(kafkaSettings(), logger);

describe('KafkaSource', () => {
  conformance({
    kafka,
    create: (groupId, topic) =>
      new KafkaSource({
        kafka: kafka(),
        settings: kafkaSettings(),
        groupId,
        topics: [topic],
        logger,
      }),
  });
});
