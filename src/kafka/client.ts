import { Kafka } from 'kafkajs';
import type { Logger } from '../config/logger.ts';
import type { Settings } from '../config/settings.ts';
import { type KafkaOptions, kafkaConfig } from './client-config.ts';
import { loadedRequestQueue, restWhenEmpty } from './request-queue.ts';

restWhenEmpty(loadedRequestQueue());

/** A kafkajs client as the settings say; its log goes to `logger`. */
export function createKafka(settings: Settings, logger: Logger, options?: KafkaOptions): Kafka {
  return new Kafka(kafkaConfig(settings, logger, options));
}
