import type { AuthenticationProviderArgs, Mechanism } from 'kafkajs';
import { printable } from '../../config/printable.ts';
import { messageOf } from '../../errors.ts';
import { TokenRefusedError } from './bearer-token.ts';
import type { TokenCache } from './token-cache.ts';

/** Ends each part of the client's message, and is all of its answer to a refusal. RFC 7628. */
const SEPARATOR = '\x01';
const LENGTH_BYTES = 4;
const SHOWN_CHARACTERS = 500;

type Extensions = Readonly<Record<string, string>>;

/**
 * SASL/OAUTHBEARER (RFC 7628) for kafkajs. Its own takes any answer for a success: a refused token then
 * looked like a connection that the broker closed for no reason, and was presented again.
 */
export function withBearerToken(tokens: TokenCache, extensions: Extensions = {}): Mechanism {
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const token = await tokens.get();
        const refusal = await exchange(saslAuthenticate, token, extensions);
        if (refusal === undefined) return;
        tokens.discard(token);
        throw new TokenRefusedError(`the brokers refused the token: ${refusal}`, tokens.toCheck);
      },
    }),
  };
}

/** @returns why the broker refuses the token */
async function exchange(
  saslAuthenticate: AuthenticationProviderArgs['saslAuthenticate'],
  token: string,
  extensions: Extensions,
): Promise<string | undefined> {
  const parts = Object.entries(extensions).map((pair) => pair.join('='));
  const message = ['n,,', `auth=Bearer ${token}`, ...parts, '', ''].join(SEPARATOR);
  const answer = await saslAuthenticate({ request: requestOf(message), response: ANSWER });
  if (!answer) return undefined;
  // The broker gives its error, which says more in its log than here, after this answer.
  const failure = await saslAuthenticate({ request: requestOf(SEPARATOR), response: ANSWER }).then(
    () => '',
    (error: unknown) => `: ${messageOf(error)}`,
  );
  return printable((answer + failure).slice(0, SHOWN_CHARACTERS));
}

function requestOf(message: string) {
  return {
    encode: () => {
      const bytes = Buffer.from(message, 'latin1');
      const length = Buffer.alloc(LENGTH_BYTES);
      length.writeInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    },
  };
}

/** Empty when the token was accepted, else JSON with a `status`. */
const ANSWER = {
  decode: (raw: Buffer) => raw.subarray(LENGTH_BYTES),
  parse: (bytes: Buffer) => bytes.toString('utf8'),
};
