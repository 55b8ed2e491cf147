import { expect, test } from 'vitest';
import { lifetimeOf } from '../../src/kafka/sasl/token-lifetime.ts';

const jwt = (claims: object) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`;

test.each<[string, string, unknown, number]>([
  ['what the server says', 'opaque', 60, 60_000],
  ['what the server says as a string', 'opaque', '60', 60_000],
  [
    'the claims of a JWT where the server says nothing',
    jwt({ iat: 100, exp: 160 }),
    undefined,
    60_000,
  ],
  ['five minutes where nobody says anything', 'opaque', undefined, 300_000],
  ['five minutes where the server says null', 'a.b.c', null, 300_000],
])('the lifetime of a token is %s', (_, token, expiresIn, expected) => {
  expect(lifetimeOf(token, expiresIn)).toBe(expected);
});
