import { protocolErrorOf } from './errors.ts';

/** The classes of the brokers' errors for metrics; see `kafkaErrorClass`. */
export const KAFKA_ERROR_CLASSES = [
  'authentication',
  'connection',
  'group',
  'other',
  'timeout',
  'topic',
] as const;
export type KafkaErrorClass = (typeof KAFKA_ERROR_CLASSES)[number];

/** By the name of an error of kafkajs. */
const BY_NAME: readonly [pattern: RegExp, is: KafkaErrorClass][] = [
  [/^KafkaJSSASL/, 'authentication'],
  [/Timeout/, 'timeout'],
  [/^KafkaJS(?:Connection|Broker|NoBroker)/, 'connection'],
  [/^KafkaJSGroupCoordinator/, 'group'],
];
/** By what the broker answered. */
const BY_ANSWER: readonly [pattern: RegExp, is: KafkaErrorClass][] = [
  [/AUTHORIZATION_FAILED|SASL/, 'authentication'],
  [/COORDINATOR|GENERATION|MEMBER|REBALANCE|GROUP/, 'group'],
  [/TOPIC|PARTITION|LEADER|REPLICA/, 'topic'],
  [/TIMED_OUT/, 'timeout'],
];

/** What kind of trouble an error of kafkajs is. */
export function kafkaErrorClass(error: unknown): KafkaErrorClass {
  if (!(error instanceof Error)) return 'other';
  const { name, cause } = error;
  // It wraps the error of the last attempt.
  if (name === 'KafkaJSNumberOfRetriesExceeded' && cause !== undefined) {
    return kafkaErrorClass(cause);
  }
  const answer = protocolErrorOf(error);
  const table = answer === undefined ? BY_NAME : BY_ANSWER;
  const found = table.find(([pattern]) => pattern.test(answer ?? name));
  if (found !== undefined) return found[1];
  return name === 'KafkaJSNumberOfRetriesExceeded' ? 'connection' : 'other';
}
