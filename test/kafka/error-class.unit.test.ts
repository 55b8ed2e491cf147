import { expect, test } from 'vitest';
import { kafkaErrorClass } from '../../src/kafka/error-class.ts';

const named = (name: string, fields: object = {}) =>
  Object.assign(new Error('failed'), { name, ...fields });

test.each([
  [named('KafkaJSConnectionError'), 'connection'],
  [named('KafkaJSRequestTimeoutError'), 'timeout'],
  [named('KafkaJSSASLAuthenticationError'), 'authentication'],
  [named('KafkaJSProtocolError', { type: 'TOPIC_AUTHORIZATION_FAILED' }), 'authentication'],
  [named('KafkaJSProtocolError', { type: 'REBALANCE_IN_PROGRESS' }), 'group'],
  [named('KafkaJSProtocolError', { type: 'UNKNOWN_TOPIC_OR_PARTITION' }), 'topic'],
  [named('KafkaJSNumberOfRetriesExceeded'), 'connection'],
  [
    named('KafkaJSNumberOfRetriesExceeded', {
      cause: named('KafkaJSProtocolError', { type: 'NOT_COORDINATOR_FOR_GROUP' }),
    }),
    'group',
  ],
  ['not an error', 'other'],
])('an error of a broker has a class: %j', (error, found) => {
  expect(kafkaErrorClass(error)).toBe(found);
});
