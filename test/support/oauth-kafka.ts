import { startLocalKafka } from '../../tools/stack/local-kafka.ts';
import { Watchdog } from '../../tools/stack/watchdog.ts';
import { CLIENT_ID, CLIENT_SECRET, SCOPE, type TokenServer } from './token-server.ts';

/** A broker of the test's own that validates tokens. */
export interface OauthKafka {
  /** Without authentication, for what a test prepares. */
  readonly brokers: string;
  /** The settings by which it is reached with tokens. */
  readonly settings: NodeJS.ProcessEnv;
  stop(): Promise<void>;
}

const OAUTH = 'org.apache.kafka.common.security.oauthbearer';

export async function startOauthKafka(tokens: TokenServer): Promise<OauthKafka> {
  const watchdog = await Watchdog.start();
  const { brokers, ports } = await startLocalKafka(
    { watchdog, env: process.env, progress: () => {} },
    {
      listeners: { TOKENS: 'SASL_PLAINTEXT' },
      // Since Kafka 4.0 a broker asks for keys only at addresses that are permitted.
      flags: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${tokens.jwksUrl}`],
      properties: {
        'listener.name.tokens.sasl.enabled.mechanisms': 'OAUTHBEARER',
        'listener.name.tokens.oauthbearer.sasl.jaas.config': `${OAUTH}.OAuthBearerLoginModule required;`,
        'listener.name.tokens.oauthbearer.sasl.server.callback.handler.class': `${OAUTH}.OAuthBearerValidatorCallbackHandler`,
        'listener.name.tokens.oauthbearer.sasl.oauthbearer.jwks.endpoint.url': tokens.jwksUrl,
        'listener.name.tokens.oauthbearer.sasl.oauthbearer.expected.audience': 'kafka',
        'listener.name.tokens.oauthbearer.sasl.oauthbearer.expected.issuer': tokens.issuer,
        'listener.name.tokens.oauthbearer.sasl.oauthbearer.clock.skew.seconds': 0,
        // Sessions end with their tokens, and after an hour at the latest.
        'listener.name.tokens.oauthbearer.connections.max.reauth.ms': 3_600_000,
      },
    },
  );
  return {
    brokers,
    settings: {
      KAFKA_BROKERS: `127.0.0.1:${ports['TOKENS']}`,
      KAFKA_SASL_MECHANISM: 'oauthbearer',
      KAFKA_SASL_OAUTH_TOKEN_URL: tokens.tokenUrl,
      KAFKA_SASL_OAUTH_CLIENT_ID: CLIENT_ID,
      KAFKA_SASL_OAUTH_CLIENT_SECRET: CLIENT_SECRET,
      KAFKA_SASL_OAUTH_SCOPE: SCOPE,
    },
    stop: () => watchdog.close(),
  };
}
