/** The error of the Kafka protocol with which a broker answered, such as `MESSAGE_TOO_LARGE`. */
export function protocolErrorOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('type' in error && typeof error.type === 'string') return error.type;
  return protocolErrorOf(error.cause);
}

/** Answers to records that are larger than their topic or its segments accept. */
export const TOO_LARGE: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
]);

/** Whether the brokers may answer the same request later; kafkajs itself has given up. */
export function isTransientInKafka(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'KafkaJSNumberOfRetriesExceeded') return true;
  return error.name.startsWith('KafkaJS') && 'retriable' in error && error.retriable === true;
}
