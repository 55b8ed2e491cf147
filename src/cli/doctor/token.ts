import { tokensFor } from '../../kafka/sasl/tokens-for.ts';
import { type Check, ok } from './finding.ts';

/** Without a mechanism that needs tokens, there is nothing to find. */
export const token: Check = {
  name: 'token',
  todo: 'check KAFKA_SASL_OAUTH_TOKEN_URL, and that the token server answers',
  async run({ settings, logger }) {
    const tokens = tokensFor(settings, logger);
    if (tokens === undefined) return [];
    await tokens.ask();
    return [ok('', `there is one for ${settings.KAFKA_SASL_MECHANISM}`)];
  },
};
