import type { Logger } from '../../config/logger.ts';
import type { Settings } from '../../config/settings.ts';
import { requestToken } from './client-credentials.ts';
import { signMskToken } from './msk-token.ts';
import { TokenCache } from './token-cache.ts';

/** By what the tokens depend on: a command makes a client per broker, and they share a token. */
const caches = new Map<string, TokenCache>();

/** Where the tokens of these settings come from; `undefined`: their mechanism has none. */
export function tokensFor(settings: Settings, logger: Logger): TokenCache | undefined {
  const mechanism = settings.KAFKA_SASL_MECHANISM;
  if (mechanism !== 'oauthbearer' && mechanism !== 'aws-msk-iam') return undefined;
  const isOauth = mechanism === 'oauthbearer';
  const credentials = isOauth ? credentialsOf(settings) : undefined;
  const region = settings.AWS_REGION ?? '';
  const key = JSON.stringify([mechanism, credentials ?? region]);
  const known = caches.get(key);
  if (known !== undefined) return known;
  const fetchToken = credentials ? () => requestToken(credentials) : () => signMskToken(region);
  const what = credentials
    ? 'KAFKA_SASL_OAUTH_SCOPE, and the audience and issuer that the brokers expect'
    : 'AWS_REGION, and what the credentials may do (kafka-cluster:Connect)';
  const cache = new TokenCache({ fetchToken, toCheck: what, logger });
  caches.set(key, cache);
  return cache;
}

function credentialsOf(settings: Settings) {
  return {
    url: settings.KAFKA_SASL_OAUTH_TOKEN_URL ?? '',
    clientId: settings.KAFKA_SASL_OAUTH_CLIENT_ID ?? '',
    clientSecret: settings.KAFKA_SASL_OAUTH_CLIENT_SECRET ?? '',
    scope: settings.KAFKA_SASL_OAUTH_SCOPE,
  };
}
