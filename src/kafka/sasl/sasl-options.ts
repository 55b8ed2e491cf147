import type { KafkaConfig, SASLOptions } from 'kafkajs';
import type { Logger } from '../../config/logger.ts';
import type { Settings } from '../../config/settings.ts';
import { withBearerToken } from './oauthbearer.ts';
import { tokensFor } from './tokens-for.ts';

/** How the settings say that a client authenticates; `undefined`: it does not. */
export function saslOptions(settings: Settings, logger: Logger): KafkaConfig['sasl'] | undefined {
  const mechanism = settings.KAFKA_SASL_MECHANISM;
  if (mechanism === undefined) return undefined;
  const tokens = tokensFor(settings, logger);
  if (tokens !== undefined) return withBearerToken(tokens, settings.KAFKA_SASL_OAUTH_EXTENSIONS);
  const username = settings.KAFKA_SASL_USERNAME ?? '';
  const password = settings.KAFKA_SASL_PASSWORD ?? '';
  // kafkajs declares a union by mechanism, whose members have the same fields.
  return { mechanism, username, password } as SASLOptions;
}
