import { expect, test } from 'vitest';
import { failureOf } from '../../src/cli/failure.ts';
import { EXIT } from '../../src/errors.ts';
import { NoTokenError, TokenRefusedError } from '../../src/kafka/sasl/bearer-token.ts';

/** What kafkajs makes of an error that is not its own. */
function byKafkaJs(name: string, cause: Error): Error {
  return Object.assign(new Error(cause.message, { cause }), { name });
}

// It was reported as a bug, with a stack trace.
test('credentials that are refused during a command are wrong usage, with what to check', () => {
  const cause = new TokenRefusedError('the token server answered 401', 'the secret');
  const error = byKafkaJs('KafkaJSNonRetriableError', cause);
  expect(failureOf(error)).toEqual({
    exitCode: EXIT.wrongUsage,
    message: 'the token server answered 401; check the secret',
  });
});

test('a token server that does not answer during a command is a lost service', () => {
  const error = byKafkaJs('KafkaJSNumberOfRetriesExceeded', new NoTokenError('no answer'));
  expect(failureOf(error)).toMatchObject({ exitCode: EXIT.unreachable });
});

test('what nobody expects is a bug', () => {
  expect(failureOf(new TypeError('x is undefined'))).toMatchObject({ exitCode: EXIT.bug });
});
